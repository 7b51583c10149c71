//! The recipes for reverse proxies, run with real proxies; only names, ports and the certificate are replaced.

use crate::harness::{
    Device, Dialect, Proxy, Server, TestDatabase, adapted, free_port, recipe, run, silence, start_nginx, start_proxy,
    until,
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Command, Output},
};

/// nginx by the recipe, at the root of its name.
fn nginx(folder: &Path, server: &str, port: u16) -> Proxy {
    nginx_with(folder, server, port, &[])
}

/// The same below a path that it takes away.
fn nginx_below(folder: &Path, server: &str, port: u16) -> Proxy {
    let pass = |end: &str| format!("        proxy_pass http://{server}{end};");
    let (at_root, below) = (pass(""), pass("/"));
    nginx_with(folder, server, port, &[("    location / {", "    location /music/ {"), (&at_root, &below)])
}

fn nginx_with(folder: &Path, server: &str, port: u16, changes: &[(&str, &str)]) -> Proxy {
    let path = |name: &str| folder.join(name).display().to_string();
    let (listen, other) = (format!("listen 127.0.0.1:{port} ssl http2;"), format!("listen 127.0.0.1:{};", free_port()));
    let site = adapted(
        recipe("nginx.conf"),
        &[
            ("listen 443 ssl http2;", &listen),
            ("listen [::]:443 ssl http2;", ""),
            ("listen 80;", &other),
            ("listen [::]:80;", ""),
            ("/etc/letsencrypt/live/music.example.org/fullchain.pem", &path("cert.pem")),
            ("/etc/letsencrypt/live/music.example.org/privkey.pem", &path("key.pem")),
            ("127.0.0.1:4747", server),
            ("music.example.org", "localhost"),
        ],
    );
    start_nginx(folder, &adapted(site, changes))
}

fn caddy(folder: &Path, server: &str, port: u16) -> Proxy {
    let path = |name: &str| folder.join(name).display().to_string();
    let site = format!("https://localhost:{port} {{\n\ttls {} {}", path("cert.pem"), path("key.pem"));
    let site =
        adapted(recipe("Caddyfile"), &[("127.0.0.1:4747", server), ("\nmusic.example.org {", &format!("\n{site}"))]);
    // Caddy opens no other port and requests no certificate from an authority.
    let site = format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}");
    fs::write(folder.join("Caddyfile"), site).expect("written");
    start_proxy(folder, &["caddy", "run", "--config", &path("Caddyfile"), "--adapter", "caddyfile"])
}

fn curl(folder: &Path, arguments: &[&str]) -> Output {
    let cert = folder.join("cert.pem");
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--max-time", "30", "--cacert"]).arg(cert).args(arguments);
    command.output().expect("curl runs")
}

async fn a_player_works_through(proxy: fn(&Path, &str, u16) -> Proxy, path: &str) {
    let database = TestDatabase::new(Dialect::Sqlite);
    let folder = tempfile::tempdir().expect("a folder");
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(folder.path().join("cert.pem"), cert.pem()).expect("written");
    fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).expect("written");
    let music = folder.path().join("music");
    fs::create_dir(&music).expect("made");
    silence(&music.join("pebbles.wav"), 20);

    let port = free_port();
    let public = format!("https://localhost:{port}{path}");
    let flags = ["--public-url", &public, "--trusted-proxies", "127.0.0.1", "--music", music.to_str().expect("text")];
    let server = Server::start_with(&database, &flags).await;
    let address = server.base.strip_prefix("http://").expect("plain HTTP");
    let _proxy = proxy(folder.path(), address, port);
    until("the proxy listens", async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await;

    let login = server.user(&database, "anna").await;
    until("the music is found", async || {
        login.get("/v1/search?q=pebbles&type=track").await.json()["tracks"]["total"] == 1
    })
    .await;
    let header = format!("Authorization: Bearer {}", login.token);
    let page = curl(folder.path(), &["--header", &header, &format!("{public}/v1/tracks")]);
    let page: serde_json::Value =
        serde_json::from_slice(&page.stdout).unwrap_or_else(|error| panic!("{error}: {page:?}"));
    let href = page["items"][0]["href"].as_str().expect("a link");
    assert!(href.starts_with(&format!("{public}/v1/tracks/")), "links lead through the proxy: {href}");
    let ranged = curl(
        folder.path(),
        &["--header", &header, "--range", "10-19", "--dump-header", "-", &format!("{href}/stream")],
    );
    let told = String::from_utf8_lossy(&ranged.stdout).to_lowercase();
    assert!(told.contains(" 206") && told.contains("content-range: bytes 10-19/"), "{ranged:?}");

    let mut command = Device::command(&public, &database, "anna", "Kitchen");
    command.arg("--ca").arg(folder.path().join("cert.pem"));
    let mut device = Device::spawn(&mut command);
    device.event("welcome", |_| true).await;
    device.tell("search pebbles");
    device.event("audio", |event| event["state"] == "loaded").await;
}

#[test]
fn a_player_works_through_nginx() {
    run(a_player_works_through(nginx, ""));
}

#[test]
fn a_player_works_through_nginx_below_a_path() {
    run(a_player_works_through(nginx_below, "/music"));
}

#[test]
fn a_player_works_through_caddy() {
    run(a_player_works_through(caddy, ""));
}
