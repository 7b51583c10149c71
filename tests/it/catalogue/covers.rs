//! Covers: the choice between pictures in files and in folders, sizes, and their URLs.

use super::library::{Library, Song};
use crate::{
    harness::{Server, run, send},
    stream::fixture::{Answer, receive_raw, send_raw},
};
use awc::http::{Method, header};
use std::{
    fs::{self, File},
    io::Cursor,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

fn png(side: u32, shade: u8) -> Vec<u8> {
    wide_png(side, side, shade)
}

fn wide_png(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(width, height, image::Rgb([shade, 0, 0]));
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
    async fn what_is_announced_of_a_cover_is_sent(database) {
        let library = Library::new(database);
        let song = |album| Song { title: "T", artists: vec![album], album, ..Song::default() };
        let too_wide = wide_png(8_001, 1, 1);
        // The smallest head of an AVIF file, and that of a PNG with nothing behind it.
        let avif: &[u8] = b"\0\0\0\x14ftypavif\0\0\0\0avif";
        let broken = png(700, 2).into_iter().take(60).collect::<Vec<u8>>();
        let in_files = png(100, 3);
        let covers = [("A", "cover.png", &too_wide[..]), ("B", "cover.avif", avif), ("C", "cover.png", &broken[..]), ("D", "cover.png", &too_wide[..])];
        for (index, (album, name, bytes)) in covers.into_iter().enumerate() {
            let picture = (album == "D").then(|| in_files.clone());
            library.add(format!("{album}/1.wav"), u32::try_from(index).expect("small"), &Song { picture, ..song(album) });
            fs::write(library.path(album).join(name), bytes).expect("written");
        }
        library.scan();
        let server = Server::start(&library.database).await;
        let login = server.user(&library.database, "ann").await;
        for list in ["albums", "artists"] {
            let items = login.get(&format!("/v1/{list}")).await.json()["items"].as_array().expect("a list").clone();
            assert_eq!(items.len(), 4);
            let announced: Vec<_> = items.iter().map(|item| item["images"].as_array().expect("images").clone()).collect();
            let sizes = |index: usize| announced[index].iter().map(|image| (image["width"].as_u64(), image["height"].as_u64())).collect::<Vec<_>>();
            assert_eq!(sizes(0), [(Some(8_001), Some(1))], "too wide");
            assert_eq!(sizes(1), [(None, None)], "AVIF");
            // What is broken behind its head shows when it is decoded.
            let all = [(Some(640), Some(640)), (Some(300), Some(300)), (Some(64), Some(64))];
            assert_eq!(sizes(2), all);
            assert_eq!(sizes(3), all, "the picture in the file, in place of the one that is too wide");
            let originals = [&too_wide[..], avif, &broken[..]];
            for (images, original) in announced.iter().zip(originals) {
                for image in images {
                    let reply = server.get(&path_of(&image["url"])).await;
                    assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, original), "{image}");
                    assert_eq!(reply.header("content-type"), if original == avif { "image/avif" } else { "image/png" });
                }
            }
            for image in &announced[3] {
                let reply = server.get(&path_of(&image["url"])).await;
                assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "image/jpeg"), "{image}");
            }
        }
        // A size of one that is announced in its own alone.
        let albums = login.get("/v1/albums").await.json();
        let reply = server.get(&format!("{}?size=300", path_of(&albums["items"][0]["cover_url"]))).await;
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, &too_wide[..]));
        assert_eq!(reply.header("cache-control"), "public, max-age=86400");

        // A picture that can be scaled takes its place, under another id.
        fs::write(library.path("A/cover.png"), png(50, 4)).expect("written");
        library.scan();
        let albums = login.get("/v1/albums").await.json();
        assert_eq!(albums["items"][0]["images"].as_array().map(Vec::len), Some(3));
    }
}

#[test]
fn a_picture_file_beyond_the_limit_is_passed_over() {
    run(async {
        let library = Library::sqlite();
        let song = |album| Song { title: "T", artists: vec!["A"], album, ..Song::default() };
        for (seed, album) in [(1, "One"), (2, "Two")] {
            library.add(format!("{album}/1.wav"), seed, &song(album));
            File::create(library.path(album).join("cover.jpg")).and_then(|file| file.set_len(3 << 30)).expect("made");
        }
        fs::write(library.path("Two/folder.png"), png(50, 1)).expect("written");
        library.scan();
        let server = Server::start(&library.database).await;
        let login = server.user(&library.database, "ann").await;
        let albums = login.get("/v1/albums").await.json();
        assert!(albums["items"][0]["cover_url"].is_null());
        assert_eq!(server.get(&path_of(&albums["items"][1]["cover_url"])).await.body, png(50, 1));
    });
}

#[test]
fn a_search_is_answered_while_600_covers_are_asked_for() {
    run(async {
        let library = Library::sqlite();
        // One picture that takes long to decode; bytes behind its end make others of it.
        let picture = png(2_500, 1);
        for number in 0..120_u8 {
            let path = library.path(format!("{number}/1.wav"));
            super::library::wav(&path, number.into());
            let bytes = [&picture[..], &[number]].concat();
            fs::write(library.path(format!("{number}/cover.png")), bytes).expect("written");
        }
        library.scan();
        let server = Server::start(&library.database).await;
        let login = server.user(&library.database, "ann").await;
        let mut covers = Vec::new();
        for offset in ["0", "50", "100"] {
            let albums = login.get(&format!("/v1/albums?limit=50&offset={offset}")).await.json();
            covers.extend(albums["items"].as_array().expect("a list").iter().map(|album| path_of(&album["cover_url"])));
        }
        assert_eq!(covers.len(), 120);
        let paths: Vec<String> = [64, 128, 300, 640, 1200]
            .iter()
            .flat_map(|size| covers.iter().map(move |cover| format!("{cover}?size={size}")))
            .collect();
        let asked: Vec<_> = paths.iter().map(|path| send_raw(&server, "GET", path, &["Connection: close"])).collect();
        let answered = AtomicUsize::new(0);
        let answers: Vec<Answer> = thread::scope(|scope| {
            let reading = asked.into_iter().map(|stream| {
                let answered = &answered;
                scope.spawn(move || {
                    let answer = receive_raw(stream);
                    answered.fetch_add(1, Ordering::Relaxed);
                    answer
                })
            });
            let reading: Vec<_> = reading.collect();
            let token = format!("Authorization: Bearer {}", login.token);
            let search = receive_raw(send_raw(&server, "GET", "/v1/search?q=1", &["Connection: close", &token]));
            assert_eq!(search.status, 200);
            assert!(answered.load(Ordering::Relaxed) < 600, "the search was not behind the covers");
            reading.into_iter().map(|reading| reading.join().expect("an answer")).collect()
        });
        let (good, busy): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert!(busy.iter().all(|answer| answer.status == 503 && answer.header("retry-after") == "2"));
        // How many there was no room for depends on the machine.
        assert!(!good.is_empty(), "{} good, {} busy", good.len(), busy.len());
        // Later they are made.
        assert_eq!(server.get(&paths[599]).await.status, 200);
    });
}
