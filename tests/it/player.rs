//! The web player's files: complete, compressed, and never stale.

use crate::harness::{Dialect, Server, TestDatabase, run, send};
use awc::{Client, http::Method};
use flate2::read::GzDecoder;
use std::{fs, io::Read as _, path::Path};

#[test]
fn the_players_files_are_compressed_and_revalidated_by_etag() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let ask = |header: (&str, &str)| {
            let url = format!("{}/player/rules/obey.js", server.base);
            Client::builder()
                .disable_redirects()
                .finish()
                .request(Method::GET, url)
                .no_decompress()
                .insert_header(header)
        };
        let file = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("player/rules/obey.js")).expect("it is there");
        let packed = send(ask(("accept-encoding", "gzip, br"))).await;
        assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "accept-encoding"));
        let mut unpacked = Vec::new();
        GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).expect("gzip");
        assert_eq!(unpacked, file);
        let plain = send(ask(("accept-encoding", "identity"))).await;
        assert_eq!((plain.header("content-encoding"), &plain.body), ("", &file));
        let tag = packed.header("etag");
        assert_eq!(send(ask(("if-none-match", tag))).await.status, 304);
        assert_eq!(send(ask(("if-none-match", "W/\"another\""))).await.status, 200);
        server.get("/player/rules/nothing.js").await.assert_error(404, "not_found");
        server.get("/player/README.md").await.assert_error(404, "not_found");
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
            let text = String::from_utf8(page.body.to_vec()).expect("text");
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
