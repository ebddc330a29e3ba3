/* SPDX-License-Identifier: MIT */
#include "nginx.h"

#include "wt_loopback.h"
#include "wt_test.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *find_program(const char *const *places)
{
    while (*places != NULL && access(*places, X_OK) != 0)
        places++;
    return *places;
}

static FILE *make_file(const struct nginx *server, const char *name)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/%s", server->folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    return file;
}

static void make_files(const struct nginx *server)
{
    char root[96];
    (void)snprintf(root, sizeof(root), "%s/root", server->folder);
    ck_assert_int_eq(mkdir(root, 0755), 0);
    FILE *small = make_file(server, "root/small.txt");
    for (int i = 0; i < 1024; i++)
        (void)fputc('a' + i % 26, small);
    (void)fclose(small);
    FILE *lines = make_file(server, "root/lines.txt");
    for (int i = 0; i < 1000; i++)
        (void)fprintf(lines, "line %d\n", i);
    (void)fclose(lines);
    FILE *big = make_file(server, "root/big.bin");
    for (int i = 0; i < 1 << 20; i++)
        (void)fputc((i * 7 + i / 1000) & 0xff, big);
    (void)fclose(big);
}

static void make_config(const struct nginx *server, const char *lines)
{
    FILE *file = make_file(server, "nginx.conf");
    (void)fprintf(
        file,
        "daemon off; worker_processes 1; pid %1$s/pid; error_log %1$s/error.log; %4$s\n"
        "events { worker_connections 1024; }\n"
        "http {\n"
        "  access_log off; keepalive_requests 100000; client_body_temp_path %1$s/body;\n"
        "  proxy_temp_path %1$s/p; fastcgi_temp_path %1$s/f; uwsgi_temp_path %1$s/u;\n"
        "  scgi_temp_path %1$s/s; gzip_types text/plain; default_type text/plain;\n"
        "  server { listen 127.0.0.1:%2$d; listen 127.0.0.1:%3$d ssl http2;\n"
        "    ssl_certificate %1$s/cert.pem; ssl_certificate_key %1$s/key.pem; %5$s\n"
        "    root %1$s/root;\n"
        "    location /echo { return 200 \"$request_method $args [$http_x_secret]"
        "[$http_authorization]\"; }\n"
        "    location /cookie { add_header Set-Cookie $args=yes; return 200 \"[$http_cookie]\"; }\n"
        "    location /connection { return 200 \"$connection $server_protocol\"; }\n"
        "    location /put { client_max_body_size 2m;\n"
        "      proxy_pass http://127.0.0.1:%2$d/counted; }\n"
        "    location /counted { return 200 \"$request_method $content_length\"; }\n"
        "    location /zip/ { gzip on; gzip_min_length 1; rewrite ^/zip(/.*) $1 break; }\n"
        "    location /moved/here { return 302 /echo?here; }\n"
        "    location /moved/away { return 307 http://localhost:%2$d/echo?away; }\n"
        "    location /moved/round { return 301 /moved/round; }\n"
        "    location /moved/file { return 301 file:///etc/passwd; }\n"
        "    location /moved/plain { return 302 http://127.0.0.1:%2$d/echo; }\n"
        "    location /moved/other { return 303 /echo?other; }\n"
        "    location /status/404 { return 404 \"not here\"; }\n"
        "  }\n"
        "}\n",
        server->folder, server->port, server->tls_port, geteuid() == 0 ? "user root;" : "", lines);
    (void)fclose(file);
}

/* What it says goes nowhere. */
static int spawn(const char *const *args)
{
    pid_t pid;
    posix_spawn_file_actions_t quiet;
    ck_assert_int_eq(posix_spawn_file_actions_init(&quiet), 0);
    ck_assert_int_eq(posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0), 0);
    int rc = posix_spawn(&pid, args[0], &quiet, NULL, (char **)(uintptr_t)args, environ);
    posix_spawn_file_actions_destroy(&quiet);
    return rc == 0 ? pid : -1;
}

static void make_certificate(struct nginx *server, const char *openssl)
{
    char key[96];
    int status = -1;
    (void)snprintf(server->ca_file, sizeof(server->ca_file), "%s/cert.pem", server->folder);
    (void)snprintf(key, sizeof(key), "%s/key.pem", server->folder);
    const char *const args[] = { openssl,
                                 "req",
                                 "-x509",
                                 "-newkey",
                                 "ec",
                                 "-pkeyopt",
                                 "ec_paramgen_curve:prime256v1",
                                 "-nodes",
                                 "-keyout",
                                 key,
                                 "-out",
                                 server->ca_file,
                                 "-subj",
                                 "/CN=localhost",
                                 "-addext",
                                 "subjectAltName=DNS:localhost",
                                 "-days",
                                 "2",
                                 NULL };
    int pid = spawn(args);
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

void nginx_start(struct nginx *server) { nginx_start_with(server, ""); }

void nginx_start_with(struct nginx *server, const char *lines)
{
    const char *nginx = find_program((const char *const[]){ "/usr/sbin/nginx", "/usr/bin/nginx",
                                                            "/usr/local/sbin/nginx", NULL });
    const char *openssl = find_program(
        (const char *const[]){ "/usr/bin/openssl", "/usr/local/bin/openssl", NULL });
    char config[96], inherited[64];
    if (nginx == NULL || openssl == NULL)
        wt_skip(nginx == NULL ? "no nginx here" : "no openssl here");
    memset(server, 0, sizeof(*server));
    (void)snprintf(server->folder, sizeof(server->folder), "/tmp/weft-nginx-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(server->folder));
    /* nginx inherits them, so nobody else can take the ports. */
    int fd = wt_listen(0, 512, &server->port), tls_fd = wt_listen(0, 512, &server->tls_port);
    (void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d", server->port);
    (void)snprintf(server->tls_url, sizeof(server->tls_url), "https://localhost:%d",
                   server->tls_port);
    make_files(server);
    make_certificate(server, openssl);
    make_config(server, lines);
    (void)snprintf(config, sizeof(config), "%s/nginx.conf", server->folder);
    (void)snprintf(inherited, sizeof(inherited), "%d;%d;", fd, tls_fd);
    setenv("NGINX", inherited, 1);
    /* A test that fails takes it along. */
    const char *const args[] = { "/usr/bin/setpriv", "--pdeathsig", "TERM", nginx, "-p",
                                 server->folder,     "-c",          config, NULL };
    bool is_bound = access(args[0], X_OK) == 0;
    server->pid = spawn(is_bound ? args : args + 3);
    unsetenv("NGINX");
    ck_assert_int_gt(server->pid, 0);
    close(fd);
    close(tls_fd);
    /* It need not be up yet: a connection waits in the queue of the socket. */
}

void nginx_stop(struct nginx *server)
{
    int status;
    ck_assert_int_eq(kill(server->pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
    const char *const args[] = { "/bin/rm", "-rf", server->folder, NULL };
    int pid = spawn(args);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

int64_t nginx_count_bytes(weft_http_response *response)
{
    int64_t n = 0, n_right = 0;
    WEFT_RX(weft_http_chunk, chunks);
    WEFT_TRY(weft_http_chunks(response, &chunks));
    weft_each (chunk, chunks)
        for (size_t i = 0; i < chunk.size; i++, n++)
            n_right += (unsigned char)chunk.data[i] == ((n * 7 + n / 1000) & 0xff);
    WEFT_TRY(weft_error(chunks));
    return n_right;
}
