#include "broker/api_table.h"

#include "base/attr.h"
#include "broker/cluster.h"
#include "broker/configs.h"
#include "broker/fetch.h"
#include "broker/groups.h"
#include "broker/inspect.h"
#include "broker/positions.h"
#include "broker/produce.h"
#include "broker/topics_admin.h"
#include "broker/versions.h"

/*
 * The advertised minimum is the lowest version that is read, with one exception: librdkafka before
 * 2.11.1 takes a Produce minimum above 0 to mean that compression is unknown, so Kafka itself
 * (since 4.0) and we advertise 0 although versions 0 to 2 are gone.
 *
 * Clients guess a broker's release from the whole set; together these rows read as Kafka 3.x.
 */
static const struct api table[] = {
    {&produce_message, 0, produce_handle},
    {&fetch_message, 4, fetch_handle},
    {&list_offsets_message, 1, list_offsets_handle},
    {&metadata_message, 0, metadata_handle},
    {&offset_commit_message, 2, offset_commit_handle},
    {&offset_fetch_message, 1, offset_fetch_handle},
    {&find_coordinator_message, 0, find_coordinator_handle},
    {&join_group_message, 0, join_group_handle},
    {&heartbeat_message, 0, heartbeat_handle},
    {&leave_group_message, 0, leave_group_handle},
    {&sync_group_message, 0, sync_group_handle},
    {&describe_groups_message, 0, describe_groups_handle},
    {&list_groups_message, 0, list_groups_handle},
    {&api_versions_message, 0, versions_handle},
    {&create_topics_message, 2, create_topics_handle},
    {&delete_topics_message, 1, delete_topics_handle},
    {&delete_records_message, 0, delete_records_handle},
    {&init_producer_id_message, 0, init_producer_id_handle},
    {&offset_for_leader_epoch_message, 2, offset_for_leader_epoch_handle},
    {&describe_acls_message, 1, describe_acls_handle},
    {&create_acls_message, 1, create_acls_handle},
    {&delete_acls_message, 1, delete_acls_handle},
    {&describe_configs_message, 1, describe_configs_handle},
    {&alter_configs_message, 0, alter_configs_handle},
    {&describe_log_dirs_message, 1, describe_log_dirs_handle},
    {&create_partitions_message, 0, create_partitions_handle},
    {&delete_groups_message, 0, delete_groups_handle},
    {&incremental_alter_configs_message, 0, incremental_alter_configs_handle},
    {&list_partition_reassignments_message, 0, list_partition_reassignments_handle},
    {&offset_delete_message, 0, offset_delete_handle},
    {&describe_cluster_message, 0, describe_cluster_handle},
};

const struct api *api_find(int16_t key)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].message->key == key) {
            return &table[i];
        }
    }
    return NULL;
}

const struct api *api_all(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(table);
    return table;
}
