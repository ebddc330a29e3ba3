/* SPDX-License-Identifier: MIT */
#include "certs.h"

#include "wt_test.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char folder[64];

const char *certs_in(const char *name)
{
    static char paths[64][96];
    static unsigned n;
    char *path = paths[n++ % 64];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

pid_t certs_spawn(const char *const *args, int out_fd)
{
    pid_t pid;
    posix_spawn_file_actions_t actions;
    ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
    ck_assert_int_eq(posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0), 0);
    ck_assert_int_eq(out_fd < 0 ? posix_spawn_file_actions_adddup2(&actions, 2, 1)
                                : posix_spawn_file_actions_adddup2(&actions, out_fd, 1),
                     0);
    ck_assert_int_eq(posix_spawn(&pid, args[0], &actions, NULL, (char **)(uintptr_t)args, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

void certs_run(const char *command)
{
    int status = -1;
    char script[4096];
    ck_assert_int_lt(snprintf(script, sizeof(script), "set -e; cd %s\n%s", folder, command),
                     (int)sizeof(script));
    const char *const args[] = { "/bin/sh", "-c", script, NULL };
    pid_t pid = certs_spawn(args, -1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "%s: %d", command, status);
}

static void make_certificates(void)
{
    static const char script[] =
        "new='openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n"
        "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=db\\nserial=serial\\nnew_certs_dir=.\\npolicy=p\\n"
        "default_md=sha256\\ncopy_extensions=copy\\nunique_subject=no\\n[p]\\n"
        "commonName=supplied\\n' > ca.conf\n"
        "$new -x509 -days 2 -keyout ca.key -out ca.pem -subj /CN=authority\n"
        "$new -x509 -days 2 -keyout other.key -out other.pem -subj /CN=authority\n"
        "$new -keyout key.pem -out me.csr -subj /CN=localhost -addext subjectAltName=DNS:localhost\n"
        "openssl req -new -key key.pem -out you.csr -subj /CN=you -addext subjectAltName=DNS:you\n"
        "openssl req -x509 -key key.pem -out self.pem -days 2 -subj /CN=localhost"
        " -addext subjectAltName=DNS:localhost\n"
        "sign() { : > db; openssl ca -batch -notext -config ca.conf -rand_serial -cert ca.pem"
        " -keyfile ca.key -in $1 -out $2 -startdate $3 -enddate $4; }\n"
        "sign me.csr good.pem 20200101000000Z 20980101000000Z\n"
        "sign me.csr expired.pem 20200101000000Z 20210101000000Z\n"
        "sign me.csr future.pem 20970101000000Z 20980101000000Z\n"
        "sign you.csr you.pem 20200101000000Z 20980101000000Z\n";
    (void)snprintf(folder, sizeof(folder), "/tmp/weft-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    certs_run(script);
}

void certs_begin(void)
{
    if (access("/usr/bin/openssl", X_OK) != 0)
        wt_skip("no openssl here");
    make_certificates();
}

void certs_end(void) { certs_run("rm -rf \"$PWD\""); }
