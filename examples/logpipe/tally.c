/* SPDX-License-Identifier: MIT */
/* Counts by service, in the order of their names, and by hour. */
#include <stdlib.h>
#include <string.h>

#include "logpipe.h"

/* The index of the first service whose name is not before this one: svc-2 is before svc-10. */
static size_t place_of(const struct tally *tally, const char *name)
{
    size_t low = 0, high = tally->n_services;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strverscmp(tally->services[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int make_room(struct tally *tally)
{
    if (tally->n_services < tally->room)
        return 0;
    size_t room = tally->room > 0 ? tally->room * 2 : 16;
    struct service_count *services = reallocarray(tally->services, room, sizeof(*services));
    if (services == NULL)
        return WEFT_ENOMEM;
    tally->services = services;
    tally->room = room;
    return 0;
}

int tally_add(struct tally *tally, const struct finding *finding)
{
    size_t at = place_of(tally, finding->service);
    if (at == tally->n_services || strcmp(tally->services[at].name, finding->service) != 0) {
        WEFT_TRY(make_room(tally));
        struct service_count *place = &tally->services[at];
        memmove(place + 1, place, (tally->n_services - at) * sizeof(*place));
        memcpy(place->name, finding->service, sizeof(place->name));
        place->n = 0;
        tally->n_services++;
    }
    tally->services[at].n++;
    tally->hours[finding->hour]++;
    tally->total++;
    return 0;
}

void tally_free(struct tally *tally)
{
    free(tally->services);
    *tally = (struct tally){ .services = NULL };
}
