#include "app/dead.h"

#include <stdlib.h>

struct listing {
    const char *store;
    enum status (*visit)(void *context,
                         const char *store,
                         const struct dead_letter *letter,
                         struct error *error);
    void *context;
};

enum status dead_name_parse(const char *text,
                            struct arena *arena,
                            struct dead_selection *ret_selection,
                            struct error *error)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    long long id = colon == NULL ? 0 : strtoll(colon + 1, &end, 10);
    if (colon == NULL || colon == text || id < 1 || *end != '\0') {
        (void) error_set(error, STATUS_USAGE, "\"%s\" is no name of a dead letter", text);
        error_hint(error, "`leat dead list` shows them, such as staging:3");
        return STATUS_USAGE;
    }
    *ret_selection = (struct dead_selection){
        .store = arena_printf(arena, "%.*s", (int) (colon - text), text),
        .id = id,
    };
    return STATUS_OK;
}

static enum status pass_on(void *context, const struct dead_letter *letter, struct error *error)
{
    struct listing *listing = context;
    return listing->visit(listing->context, listing->store, letter, error);
}

static bool wanted(const struct dead_selection *selection, const char *store)
{
    return selection->store == NULL || strcmp(selection->store, store) == 0;
}

static enum status list_staging(struct workspace *workspace,
                                const struct dead_filter *filter,
                                struct listing *listing,
                                struct error *error)
{
    struct stage *stage;
    TRY(workspace_stage(workspace, &stage, error));
    if (stage == NULL) {
        return STATUS_OK;
    }
    listing->store = "staging";
    enum status status =
        workspace->roles.stage_ops->dead_list(stage, filter, pass_on, listing, error);
    workspace->roles.stage_ops->close(stage);
    return status;
}

static enum status list_store(const struct store_place *place,
                              const struct dead_filter *filter,
                              struct listing *listing,
                              struct error *error)
{
    struct store *store;
    TRY(store_place_open(place, &store, error));
    if (store == NULL) {
        return STATUS_OK;
    }
    listing->store = place->name;
    enum status status = place->ops->dead_list(store, filter, pass_on, listing, error);
    place->ops->close(store);
    return status;
}

enum status dead_list(struct workspace *workspace,
                      const struct dead_selection *selection,
                      enum status (*visit)(void *context,
                                           const char *store,
                                           const struct dead_letter *letter,
                                           struct error *error),
                      void *context,
                      struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct listing listing = {.visit = visit, .context = context};
    const struct dead_filter filter = {
        .id = selection->id,
        .name = selection->name,
        .reason = selection->reason,
        .limit = selection->limit,
    };
    if (wanted(selection, "staging")) {
        TRY(list_staging(workspace, &filter, &listing, error));
    }
    struct store_place *places;
    size_t count;
    TRY(workspace_stores(workspace, &arena, &places, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (wanted(selection, places[i].name)) {
            TRY(list_store(&places[i], &filter, &listing, error));
        }
    }
    return STATUS_OK;
}
