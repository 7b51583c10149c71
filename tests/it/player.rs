//! The web player's files: complete, compressed, and never stale.

use crate::harness::{Dialect, Server, TestDatabase, run, send};
use awc::{Client, ClientRequest, http::Method};
use flate2::read::GzDecoder;
use std::io::Read as _;

/// A request as browsers send it, with another header.
fn ask(server: &Server, path: &str, header: (&str, &str)) -> ClientRequest {
    let client = Client::builder().disable_redirects().finish();
    client.request(Method::GET, format!("{}{path}", server.base)).no_decompress().insert_header(header)
}

#[test]
fn the_page_is_revalidated_and_names_its_files_by_their_content() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let page = send(ask(&server, "/albums", ("accept-encoding", "identity"))).await;
        assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-cache"));
        assert_eq!(send(ask(&server, "/albums", ("if-none-match", page.header("etag")))).await.status, 304);
        let text = String::from_utf8_lossy(&page.body).into_owned();
        let version = text.split_once("player/").and_then(|(_, rest)| rest.split_once('/')).expect("a version").0;
        assert!(version.len() == 16 && text.contains(&format!("src=\"player/{version}/first.js\"")), "{text}");
        for (name, start) in
            [("first.js", "const $"), ("later.js", "import { $"), ("style.css", "\n\n:root"), ("icon.svg", "<svg")]
        {
            let path = format!("/player/{version}/{name}");
            let packed = send(ask(&server, &path, ("accept-encoding", "gzip, br"))).await;
            assert_eq!(
                (packed.header("content-encoding"), packed.header("vary")),
                ("gzip", "accept-encoding"),
                "{name}"
            );
            assert_eq!(packed.header("cache-control"), "public, max-age=31536000, immutable", "{name}");
            let mut unpacked = String::new();
            GzDecoder::new(packed.body.as_slice()).read_to_string(&mut unpacked).expect("gzip of text");
            assert!(unpacked.starts_with(start), "{name}: {}", unpacked.get(..80).unwrap_or_default());
            let plain = send(ask(&server, &path, ("accept-encoding", "identity"))).await;
            assert_eq!((plain.header("content-encoding"), plain.body.as_slice()), ("", unpacked.as_bytes()), "{name}");
        }
        // Of another version of the server.
        server.get("/player/0123456789abcdef/first.js").await.assert_error(404, "not_found");
        let worker = send(ask(&server, "/sw.js", ("accept-encoding", "identity"))).await;
        assert!(String::from_utf8_lossy(&worker.body).contains(&format!("const VERSION = \"{version}\";")));
        assert_eq!(worker.header("cache-control"), "no-cache");
    });
}

#[test]
fn a_module_under_its_own_name_is_the_one_that_the_page_has() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        for (path, from) in [("session.js", "./"), ("rules/obey.js", "../"), ("views/settings.js", "../")] {
            let module = send(ask(&server, &format!("/player/{path}"), ("accept-encoding", "identity"))).await;
            let text = String::from_utf8_lossy(&module.body).into_owned();
            assert_eq!((module.status.as_u16(), module.header("cache-control")), (200, "no-cache"), "{path}");
            let file = if path.starts_with("views/") { "later.js" } else { "first.js" };
            let constant = format!("${}", path.trim_end_matches(".js").replace('/', "_"));
            assert!(
                text.starts_with(&format!("import {{ {constant} }} from \"{from}")) && text.contains(file),
                "{text}"
            );
        }
        server.get("/player/rules/nothing.js").await.assert_error(404, "not_found");
        server.get("/player/README.md").await.assert_error(404, "not_found");
    });
}

#[test]
fn browsers_get_the_page_for_an_unknown_address_and_programs_an_error() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        for path in ["/nowhere", "/album/none", "/albums/all"] {
            let page = send(ask(&server, path, html)).await;
            let kind = page.header("content-type");
            assert_eq!((page.status.as_u16(), kind), (404, "text/html; charset=utf-8"), "{path}");
            server.get(path).await.assert_error(404, "not_found");
        }
        for path in ["/v1/nothing", "/media/nothing", "/player/nothing.js"] {
            send(ask(&server, path, html)).await.assert_error(404, "not_found");
        }
    });
}

#[test]
fn below_a_path_the_page_names_it_and_a_proxy_may_leave_it_before_every_address() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start_with(&database, &["--public-url=https://music.example.org/music"]).await;
        let login = server.user(&database, "anna").await;
        for before in ["", "/music"] {
            let page = server.get(&format!("{before}/albums")).await;
            let text = String::from_utf8_lossy(&page.body).into_owned();
            assert!(page.status == 200 && text.contains("<base href=\"/music/\">"), "{before}: {text}");
            assert_eq!(server.get(&format!("{before}/sw.js")).await.status, 200, "{before}");
            assert_eq!(server.get(&format!("{before}/player/icon.svg")).await.status, 200, "{before}");
            let tracks = login.get(&format!("{before}/v1/tracks?limit=1&offset=0")).await.json();
            assert_eq!(tracks["href"], "https://music.example.org/music/v1/tracks?limit=1&offset=0", "{before}");
        }
        server.get("/musical/v1/tracks").await.assert_error(404, "not_found");
        assert_eq!(server.get("/openapi.json").await.json()["servers"][0]["url"], "https://music.example.org/music");
    });
}
