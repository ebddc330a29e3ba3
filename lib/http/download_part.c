/* SPDX-License-Identifier: MIT
 * download.h: the files of a download, and what tells one version from another. */
#include "http/download.h"

#include "http/session.h"
#include "plat/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <weft/path.h>
#include <weft/whole.h>

/* ---- validators -------------------------------------------------------------------------------------- */

/* RFC 9110, 8.8.2.2: what changes twice in a second has one time for two versions, unless that was over
 * when it was sent. */
static const char *strong_time(const weft_http_response *response)
{
    const char *changed = weft_http_header(response, "Last-Modified");
    const char *sent = weft_http_header(response, "Date");
    time_t changed_at = changed != NULL ? curl_getdate(changed, NULL) : -1;
    time_t sent_at = sent != NULL ? curl_getdate(sent, NULL) : -1;
    return changed_at != -1 && sent_at > changed_at ? changed : NULL;
}

/* Of an answer that is packed nevertheless, the tag is not that of the bytes in the file. */
static const char *validator_of(const weft_http_response *response)
{
    const char *etag = weft_http_header(response, "ETag");
    if (response->head.is_encoded)
        return NULL;
    return etag != NULL && etag[0] == '"' ? etag : strong_time(response);
}

/* ---- the tag: the URL and the validator, a line each --------------------------------------------------- */

/* A copy of the validator; NULL: it is none of this URL's. */
static char *parse_tag(const char *text, const char *url)
{
    size_t n = strlen(url);
    const char *line = text + n + 1;
    if (strncmp(text, url, n) != 0 || text[n] != '\n')
        return NULL;
    size_t size = strcspn(line, "\n");
    if (size == 0 || line[size] != '\n')
        return NULL;
    char *validator = wf_alloc(1, size + 1);
    if (validator != NULL)
        memcpy(validator, line, size);
    return validator;
}

static int read_tag(struct wf_http_part *part)
{
    char *text;
    size_t size;
    int rc = weft_whole_read(part->tag, &text, &size);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    part->validator = parse_tag(text, part->url);
    weft_free(text);
    return 0;
}

static int write_tag(struct wf_http_part *part)
{
    size_t size = strlen(part->url) + strlen(part->validator) + 3;
    char *text = wf_alloc(1, size);
    if (text == NULL)
        return WEFT_ENOMEM;
    (void)snprintf(text, size, "%s\n%s\n", part->url, part->validator);
    int rc = weft_whole_write(part->tag, text, size - 1);
    wf_free(text);
    return rc;
}

/* ---- opening and closing ------------------------------------------------------------------------------ */

static char *beside(const char *path, const char *ending)
{
    return wf_http_join(path, strlen(path), ending);
}

static int measure(struct wf_http_part *part)
{
    struct stat about;
    int rc = weft_path_stat(part->part, &about);
    if (rc == 0 && S_ISREG(about.st_mode))
        part->size = (int64_t)about.st_size;
    return rc == -ENOENT ? 0 : rc;
}

int wf_http_part_open(struct wf_http_part *part, const char *url, const char *path)
{
    *part = (struct wf_http_part){
        .path = path, .url = url, .part = beside(path, ".part"), .tag = beside(path, ".part.tag")
    };
    if (part->part == NULL || part->tag == NULL)
        return WEFT_ENOMEM;
    int rc = read_tag(part);
    return rc == 0 && part->validator != NULL ? measure(part) : rc;
}

void wf_http_part_close(struct wf_http_part *part)
{
    wf_free(part->part);
    wf_free(part->tag);
    wf_free(part->validator);
}

/* ---- from the start, and at the end --------------------------------------------------------------------- */

static int remove_tag(const struct wf_http_part *part)
{
    int rc = weft_path_remove(part->tag);
    return rc == -ENOENT ? 0 : rc;
}

int wf_http_part_restart(struct wf_http_part *part, const weft_http_response *response)
{
    const char *validator = validator_of(response);
    wf_free(part->validator);
    part->validator = NULL;
    part->size = 0;
    int rc = remove_tag(part);
    if (rc == 0)
        rc = weft_whole_write(part->part, "", 0);
    if (rc < 0 || validator == NULL)
        return rc;
    part->validator = wf_copy_text(validator);
    return part->validator != NULL ? write_tag(part) : WEFT_ENOMEM;
}

int wf_http_part_finish(const struct wf_http_part *part)
{
    int rc = weft_path_rename(part->part, part->path);
    return rc == 0 ? remove_tag(part) : rc;
}
