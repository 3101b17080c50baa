#include "broker/versions.h"

#include "broker/api_table.h"

#include <ctype.h>

static void fill_apis(struct request *request)
{
    struct api_versions_response *response = request->response;
    size_t count;
    const struct api *all = api_all(&count);
    response->api_keys = REQUEST_ARRAY(request, struct api_versions_response_api, count);
    response->api_keys_count = (int32_t) count;
    for (size_t i = 0; i < count; i++) {
        response->api_keys[i] = (struct api_versions_response_api){
            .api_key = all[i].message->key,
            .min_version = all[i].advertised_min,
            .max_version = all[i].message->version_max,
        };
    }
}

/* Letters and digits, with "-" and "." inside. */
static bool software_name_ok(struct slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        bool inside = i > 0 && i + 1 < name.size;
        uint8_t byte = name.data[i];
        if (!isalnum(byte) && !(inside && (byte == '-' || byte == '.'))) {
            return false;
        }
    }
    return name.size > 0;
}

void versions_handle(struct request *request)
{
    const struct api_versions_request *body = request->body;
    struct api_versions_response *response = request->response;
    if (request->version >= 3 && (!software_name_ok(body->client_software_name) ||
                                  !software_name_ok(body->client_software_version))) {
        response->error_code = KAFKA_INVALID_REQUEST;
    } else {
        fill_apis(request);
    }
    request_answer(request);
}

void versions_unsupported(struct request *request)
{
    struct api_versions_response *response = request->response;
    request->version = 0;
    response->error_code = KAFKA_UNSUPPORTED_VERSION;
    fill_apis(request);
    request_answer(request);
}
