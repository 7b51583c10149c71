//! Delivery by others than this server: redirects to a CDN, what the CDN gets here, and files that nginx reads.

use super::{
    fixture::{Track, noise, raw, raw_to},
    ranges::{SIZE, assert_allowed_answers},
};
use crate::harness::{
    Dialect, Login, Server, TestDatabase, adapted, free_port, recipe, run, segue, start_nginx, until,
};
use segue::media::delivery::{Cdn, Secret, UrlSigner};
use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

pub(super) const LINK_SECRET: &str = "secret-of-the-addresses";
pub(super) const ORIGIN_SECRET: &str = "secret-of-the-edge";

/// The files with the two secrets, below `folder`.
pub(super) fn secret_files(folder: &Path) -> [PathBuf; 2] {
    [("link", LINK_SECRET), ("origin", ORIGIN_SECRET)].map(|(name, secret)| {
        let path = folder.join(name);
        fs::write(&path, format!("{secret}\n")).unwrap();
        path
    })
}

/// The flags of a server before which a CDN stands.
pub(super) fn cdn_flags(database: &TestDatabase, url: &str, signature: &str) -> Vec<String> {
    let [link, origin] = secret_files(database.folder.path());
    let flags = [
        ("--delivery", "cdn"),
        ("--cdn-url", url),
        ("--cdn-signature", signature),
        ("--cdn-secret-file", link.to_str().unwrap()),
        ("--cdn-origin-secret-file", origin.to_str().unwrap()),
    ];
    flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]).collect()
}

pub(super) async fn start(database: &TestDatabase, flags: &[String]) -> Server {
    Server::start_with(database, &flags.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// The path and query of a link to the bytes of a track.
pub(super) async fn link(server: &Server, login: &Login<'_>, track: &Track) -> String {
    let info = login.get(&format!("/v1/tracks/{}/media", track.id)).await.json();
    info["url"].as_str().unwrap().strip_prefix(&server.base).unwrap().to_owned()
}

pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// What signs like the server of [`cdn_flags`].
pub(super) fn cdn(url: &str, signer: fn(Secret) -> UrlSigner) -> Cdn {
    Cdn::new(url.to_owned(), signer(Secret::read(LINK_SECRET).unwrap()), None)
}

on_both_databases! {
    async fn listeners_are_sent_to_the_cdn_and_the_cdn_gets_the_bytes(database) {
        const URL: &str = "https://cdn.example.org/segue";
        let bytes = noise(100_000);
        let track = Track::add(&database, "a.flac", &bytes);
        let server = start(&database, &cdn_flags(&database, URL, "hmac")).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let link = link(&server, &login, &track).await;
        let path = format!("/media/{}.flac", track.version);

        // By link, by token, and by the address of the track; ranges and HEAD do not matter.
        let mut addresses = vec![];
        for (method, from, lines) in [
            ("GET", link.as_str(), vec![]),
            ("GET", &link, vec!["Range: bytes=0-1"]),
            ("HEAD", &link, vec![]),
            ("GET", &path, vec![token.as_str()]),
            ("GET", &track.stream(), vec![&token, "If-None-Match: \"x\""]),
        ] {
            let answer = raw(&server, method, from, &lines);
            assert_eq!((answer.status, answer.body.len()), (302, 0), "{method} {from}");
            assert_eq!(answer.header("cache-control"), "no-store");
            addresses.push(answer.header("location").to_owned());
        }
        addresses.dedup();
        let [address] = addresses.as_slice() else { panic!("one address for all of a day: {addresses:?}") };
        let (at, query) = address.split_once('?').unwrap();
        assert_eq!(at, format!("{URL}{path}"));
        let (expires_s, signature) = query.strip_prefix("expires=").unwrap().split_once("&signature=").unwrap();
        let lasts_s = expires_s.parse::<u64>().unwrap() - now_s();
        assert!((86_000..=2 * 86_400).contains(&lasts_s), "longer than a track and its pauses: {lasts_s}");
        assert_eq!(*address, cdn(URL, UrlSigner::Hmac).address(&path, expires_s.parse().unwrap()).unwrap());

        // The CDN shows its secret, or passes the query on.
        let secret = format!("X-Origin-Verify: {ORIGIN_SECRET}");
        for (target, lines) in [(path.clone(), vec![secret.as_str()]), (format!("{path}?{query}"), vec![])] {
            let answer = raw(&server, "GET", &target, &lines);
            assert!(answer.status == 200 && answer.body == bytes, "{target}");
            assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            assert!(answer.header("access-control-expose-headers").contains("Content-Range, ETag"));
            assert_eq!(answer.header("etag"), format!("\"{}\"", track.version));
            let lines = [&lines[..], &["Range: bytes=10-19"]].concat();
            let answer = raw(&server, "GET", &target, &lines);
            assert!(answer.status == 206 && answer.body == bytes[10..20], "{target}");
        }
        // Nobody else does.
        let other = Track::add(&database, "b.flac", &noise(10));
        for (target, lines, status) in [
            (path.clone(), vec!["X-Origin-Verify: secret-of-the-edgf"], 403),
            (path.clone(), vec!["X-Origin-Verify:"], 403),
            (path.clone(), vec![], 401),
            (format!("{path}?expires={}&signature={signature}", now_s() + 1000), vec![], 403),
            (format!("/media/{}.flac?{query}", other.version), vec![], 403),
            (format!("/media/{}.mp3", track.version), vec![secret.as_str()], 404),
        ] {
            let answer = raw(&server, "GET", &target, &lines);
            assert_eq!(answer.status, status, "{target} {lines:?}");
            assert_eq!(answer.header("cache-control"), "no-store", "nothing keeps an error: {target}");
        }
        let old = cdn(URL, UrlSigner::Hmac).address(&path, now_s() - 1).unwrap();
        server.get(old.strip_prefix(URL).unwrap()).await.assert_error(403, "link_expired");

        let page = raw(&server, "GET", "/", &["Accept: text/html"]);
        let policy = page.header("content-security-policy");
        assert!(policy.contains("media-src 'self' blob: https://cdn.example.org; "), "{policy}");
        assert!(policy.contains("connect-src 'self' https://cdn.example.org; "), "{policy}");
    }
}

#[test]
fn a_folder_may_have_a_delivery_of_its_own() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (near, far) = (Track::add(&database, "near.ogg", &noise(10)), Track::add(&database, "far.ogg", &noise(11)));
        let mut flags = cdn_flags(&database, "https://cdn.example.org", "nginx");
        flags.extend(["--delivery-of".to_owned(), format!("{}=proxy", near.path.parent().unwrap().display())]);
        let server = start(&database, &flags).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        assert_eq!(raw(&server, "GET", &near.stream(), &[&token]).body, noise(10));
        let answer = raw(&server, "GET", &far.stream(), &[&token]);
        let address = answer.header("location");
        assert!(answer.status == 302 && address.contains("&md5="), "{answer:?}");
        // Where nginx checks the signatures, they open nothing here.
        let target = address.strip_prefix("https://cdn.example.org").unwrap();
        server.get(target).await.assert_error(401, "unauthorized");
        assert_eq!(login.get(&target.replace("md5", "signature")).await.status, 403);
    });
}

#[test]
fn nginx_reads_the_file_where_it_may() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let bytes = noise(SIZE);
        let track = Track::add(&database, "é %41+a.flac", &bytes);
        let port = free_port();
        let flags = ["--delivery", "accel", "--trusted-proxies", "127.0.0.1"];
        let server = Server::start_with(&database, &flags).await;
        let folder = tempfile::tempdir().unwrap();
        let music = database.folder.path().to_str().unwrap();
        let (begin, end) = ("    #     location /segue-files/", "    #     }\n");
        let text = recipe("nginx.conf");
        let from = text.find(begin).expect("the recipe has a place for files");
        let length = text[from..].find(end).expect("its end") + end.len();
        let place = text[from..from + length].to_owned();
        let uncommented = place.replace("    #     ", "    ").replace("/srv/music", music);
        let (listen, other) = (format!("listen 127.0.0.1:{port};"), format!("listen 127.0.0.1:{};", free_port()));
        let site = adapted(
            text,
            &[
                (&place, &uncommented),
                ("listen 443 ssl http2;", &listen),
                ("listen [::]:443 ssl http2;", ""),
                ("listen 80;", &other),
                ("listen [::]:80;", ""),
                ("ssl_certificate /etc/letsencrypt/live/music.example.org/fullchain.pem;", ""),
                ("ssl_certificate_key /etc/letsencrypt/live/music.example.org/privkey.pem;", ""),
                ("127.0.0.1:4747", server.base.strip_prefix("http://").unwrap()),
            ],
        );
        let _nginx = start_nginx(folder.path(), &site);
        until("nginx listens", async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
        let base = format!("http://127.0.0.1:{port}");

        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let ask = |lines: &[&str]| raw_to(&base, "GET", &track.stream(), &[lines, &[&token]].concat());
        let etag = format!("\"{}\"", track.version);
        assert_allowed_answers(ask, &bytes, &etag);
        let answer = ask(&[]);
        assert_eq!(answer.header("content-type"), "audio/flac");
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-accel-redirect"), "", "where files are is nobody's business");
        // What this server sends to a trusted proxy: the place, and no byte.
        let told = raw(&server, "GET", &track.stream(), &[&token]);
        assert!(told.status == 200 && told.body.is_empty());
        let place = told.header("x-accel-redirect");
        assert!(place.starts_with("/segue-files/") && place.ends_with("/%C3%A9%20%2541%2Ba.flac"), "{place}");
        assert_eq!(told.header("etag"), etag);
        assert_eq!(raw_to(&base, "GET", place, &[&token]).status, 404, "the place is for nginx alone");
        // The file changed after its scan: nginx gets an error in place of other bytes.
        fs::write(&track.path, noise(SIZE + 1)).unwrap();
        assert_eq!(ask(&[]).status, 409);
    });
}

#[test]
fn only_a_trusted_proxy_is_told_of_files() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.flac", &noise(1000));
        let flags = ["--delivery", "accel", "--trusted-proxies", "192.0.2.1"];
        let server = Server::start_with(&database, &flags).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let answer = raw(&server, "GET", &track.stream(), &[&token]);
        assert!(answer.header("x-accel-redirect").is_empty() && answer.body == noise(1000));
    });
}

#[test]
fn settings_and_files_of_a_cdn_that_cannot_be_used_are_named_at_the_start() {
    let database = TestDatabase::new(Dialect::Sqlite);
    let [link, origin] = secret_files(database.folder.path());
    let short = database.folder.path().join("short");
    fs::write(&short, "short").unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (link, origin, short) = (text(&link), text(&origin), text(&short));
    let url = ["--delivery=cdn", "--cdn-url=https://cdn.example.org"];
    let file = |name: &str, path: &str| format!("--cdn-{name}-file={path}");
    for (flags, why) in [
        (vec!["--delivery=cdn".to_owned()], "needs cdn_url"),
        (vec!["--delivery=redirect".to_owned()], "\"proxy\", \"accel\", \"cdn\" or \"presigned\""),
        (vec!["--delivery=presigned".to_owned(), "--music=/srv".to_owned()], "/srv is a folder on a disk"),
        (vec!["--cdn-url=https://cdn.example.org".to_owned()], "counts for nothing without delivery"),
        (url.map(str::to_owned).to_vec(), "need cdn_secret_file"),
        ([&url.map(str::to_owned)[..], &[file("secret", &short)]].concat(), "from 16 to 256 characters, not 5"),
        ([&url.map(str::to_owned)[..], &[file("secret", "/nowhere")]].concat(), "/nowhere cannot be read"),
        (
            [
                &url.map(str::to_owned)[..],
                &["--cdn-signature=cloudfront".to_owned(), "--cdn-key-id=K1".to_owned()],
                &[file("key", &link), file("origin-secret", &origin)],
            ]
            .concat(),
            "is no private key of ECDSA P-256 or RSA-2048",
        ),
    ] {
        let output = segue(&database).args(["serve", "--listen=127.0.0.1:0"]).args(&flags).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{flags:?}: {said}");
        assert!(!said.contains(LINK_SECRET), "{said}");
    }
}
