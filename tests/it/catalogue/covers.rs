//! Covers: the choice between pictures in files and in folders, sizes, and their URLs.

use super::library::{Library, Song};
use crate::harness::{Server, send};
use awc::http::{Method, header};
use std::{fs, io::Cursor};

fn png(side: u32, shade: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(side, side, image::Rgb([shade, 0, 0]));
    image::DynamicImage::ImageRgb8(picture).write_to(&mut bytes, image::ImageFormat::Png).expect("encoded");
    bytes.into_inner()
}

/// The path of a URL of the server.
fn path_of(url: &serde_json::Value) -> String {
    let url = url.as_str().expect("an address");
    url.find("/v1/").and_then(|start| url.get(start..)).expect("a path").to_owned()
}

on_both_databases! {
    async fn albums_show_the_cover_of_their_folder_or_of_their_files(database) {
        let library = Library::new(database);
        let song = |album| Song { title: "T", artists: vec!["A"], album, picture: Some(png(700, 1)), ..Song::default() };
        library.add("In files/1.wav", 1, &song("In files"));
        library.add("In folder/CD1/1.wav", 2, &song("In folder"));
        fs::write(library.path("In folder/FRONT.PNG"), png(50, 2)).expect("written");
        fs::write(library.path("In folder/Cover.png"), png(60, 3)).expect("written");
        library.add("None/1.wav", 3, &Song { picture: None, ..song("None") });
        library.scan();
        let server = Server::start(&library.database).await;
        let login = server.user(&library.database, "ann").await;
        let albums = login.get("/v1/albums").await.json();
        let original = async |index: usize| {
            let reply = server.get(&path_of(&albums["items"][index]["cover_url"])).await;
            assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "image/png"));
            reply.body
        };
        assert_eq!(original(0).await, png(700, 1));
        assert_eq!(original(1).await, png(60, 3), "a folder named CD1 takes the cover from above, cover.png first");
        assert!(albums["items"][2]["cover_url"].is_null());

        // Smaller ones, without a token.
        let images = albums["items"][0]["images"].as_array().expect("images").clone();
        for image in &images {
            let reply = server.get(&path_of(&image["url"])).await;
            let picture = image::load_from_memory(&reply.body).expect("a picture");
            assert_eq!((reply.header("content-type"), u64::from(picture.width())), ("image/jpeg", image["width"].as_u64().expect("a width")));
            assert_eq!(reply.header("cache-control"), "public, max-age=31536000, immutable");
            let again = server.request(Method::GET, &path_of(&image["url"])).insert_header((header::IF_NONE_MATCH, reply.header("etag")));
            assert_eq!(send(again).await.status, 304);
        }
        server.get("/v1/covers/0000000000000001").await.assert_error(404, "not_found");
        server.get("/v1/covers/nonsense").await.assert_error(404, "not_found");

        // Another picture has another URL; without the folder's picture that of the files is used.
        fs::write(library.path("In folder/Cover.png"), png(61, 4)).expect("written");
        library.scan();
        let now = login.get("/v1/albums").await.json();
        assert_ne!(now["items"][1]["cover_url"], albums["items"][1]["cover_url"]);
        fs::remove_file(library.path("In folder/Cover.png")).expect("removed");
        fs::remove_file(library.path("In folder/FRONT.PNG")).expect("removed");
        library.scan();
        let now = login.get("/v1/albums").await.json();
        assert_eq!(now["items"][1]["cover_url"], now["items"][0]["cover_url"]);
    }
}
