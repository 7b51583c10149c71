//! A real nginx as the CDN, by `config/nginx-edge.conf`.

use super::{
    delivered::{LINK_SECRET, ORIGIN_SECRET, cdn, cdn_flags, link, now_s, start},
    fixture::{Answer, Track, noise, raw, raw_to},
    ranges::{SIZE, assert_allowed_answers},
};
use crate::harness::{
    Dialect, Login, Proxy, Server, TestDatabase, adapted, free_port, recipe, run, start_nginx, until,
};
use diesel::{ExpressionMethods as _, RunQueryDsl as _};
use segue::{
    db::{
        hot::is_first_node,
        schema::{nodes, plays},
    },
    media::delivery::UrlSigner,
};
use segue_client::protocol::ids::{Micros, NodeId};
use std::net::TcpStream;

/// A server with an edge before it.
pub(super) struct Edged {
    pub(super) server: Server,
    /// `http://` and the address of the edge.
    pub(super) base: String,
    _nginx: Proxy,
    _folder: tempfile::TempDir,
}

impl Edged {
    pub(super) async fn start(database: &TestDatabase) -> Self {
        let port = free_port();
        let base = format!("http://127.0.0.1:{port}");
        let flags = cdn_flags(database, &base, "nginx");
        let server = start(database, &[flags, vec!["--poll-ms=20".to_owned()]].concat()).await;
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache").display().to_string();
        let listen = format!("listen 127.0.0.1:{port};");
        let site = adapted(
            recipe("nginx-edge.conf"),
            &[
                ("listen 443 ssl http2;", &listen),
                ("listen [::]:443 ssl http2;", ""),
                ("ssl_certificate /etc/letsencrypt/live/edge.example.org/fullchain.pem;", ""),
                ("ssl_certificate_key /etc/letsencrypt/live/edge.example.org/privkey.pem;", ""),
                ("/var/cache/nginx/segue", &cache),
                ("https://music.example.org", &server.base),
            ],
        );
        assert!(site.contains(&format!(" {LINK_SECRET}\"")) && site.contains(&format!(" {ORIGIN_SECRET};")));
        let nginx = start_nginx(folder.path(), &site);
        until("nginx listens", async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
        Self { server, base, _nginx: nginx, _folder: folder }
    }

    /// The path and query at the edge to which a listener is sent.
    pub(super) async fn target(&self, login: &Login<'_>, track: &Track) -> String {
        let answer = raw(&self.server, "GET", &link(&self.server, login, track).await, &[]);
        assert_eq!(answer.status, 302);
        answer.header("location").strip_prefix(&self.base).expect("at the edge").to_owned()
    }

    fn get(&self, target: &str, lines: &[&str]) -> Answer {
        raw_to(&self.base, "GET", target, lines)
    }
}

/// How many answers with audio the server has sent.
async fn answers(admin: &Login<'_>) -> u64 {
    let text = String::from_utf8(admin.get("/metrics").await.body).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("segue_media_answers_total{"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[test]
fn the_first_play_misses_the_second_hits_and_ranges_hit_the_slices() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        // Four slices and a part of one.
        let bytes = noise((4 << 20) + 1000);
        let track = Track::add(&database, "a.flac", &bytes);
        let edged = Edged::start(&database).await;
        let login = edged.server.admin(&database, "anna").await;
        let target = edged.target(&login, &track).await;
        let before = answers(&login).await;

        // A range fetches the slice that it touches, and no other.
        let part = edged.get(&target, &["Range: bytes=2500000-2500009"]);
        assert!(part.status == 206 && part.body == bytes[2_500_000..2_500_010]);
        assert_eq!((part.header("x-cache-status"), answers(&login).await), ("MISS", before + 1));
        let part = edged.get(&target, &["Range: bytes=2600000-2600009"]);
        assert_eq!((part.header("x-cache-status"), part.status), ("HIT", 206));

        let first = edged.get(&target, &[]);
        assert!(first.status == 200 && first.body == bytes);
        assert_eq!((first.header("x-cache-status"), answers(&login).await), ("MISS", before + 5));
        let second = edged.get(&target, &[]);
        assert!(second.status == 200 && second.body == bytes);
        assert_eq!((second.header("x-cache-status"), answers(&login).await), ("HIT", before + 5));
        assert_eq!(second.header("etag"), format!("\"{}\"", track.version));
        assert_eq!(second.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(second.header("access-control-allow-origin"), "*");
        assert!(second.header("access-control-expose-headers").contains("Content-Range, ETag"));

        // Another listener gets the same copy, and everybody while the server is away.
        let ben = edged.server.user(&database, "ben").await;
        let of_ben = edged.target(&ben, &track).await;
        assert_eq!(edged.get(&of_ben, &[]).header("x-cache-status"), "HIT");
        let Edged { server, base, .. } = &edged;
        server.signal("STOP");
        let away = raw_to(base, "GET", &target, &["Range: bytes=1048570-1048585"]);
        assert!(away.status == 206 && away.body == bytes[1_048_570..1_048_586], "across two slices");
        server.signal("CONT");
    });
}

#[test]
fn an_expired_or_altered_signature_opens_nothing() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.flac", &noise(1000));
        let other = Track::add(&database, "b.flac", &noise(1001));
        let edged = Edged::start(&database).await;
        let login = edged.server.user(&database, "anna").await;
        let target = edged.target(&login, &track).await;
        assert_eq!(edged.get(&target, &[]).status, 200);

        let signer = cdn(&edged.base, UrlSigner::SecureLink);
        let path = target.split('?').next().unwrap();
        let address_until =
            |expires_s| signer.address(path, expires_s).unwrap().strip_prefix(&edged.base).unwrap().to_owned();
        assert_eq!(edged.get(&address_until(now_s() + 3600), &[]).status, 200);
        let (before, md5) = target.rsplit_once("md5=").unwrap();
        let altered = if md5.starts_with('A') { "B" } else { "A" };
        for bad in [
            address_until(now_s() - 2),
            format!("{before}md5={altered}{}", &md5[1..]),
            before.trim_end_matches('&').to_owned(),
            target.replace("expires=", "expires=1"),
            target.replace(&track.version, &other.version),
            path.to_owned(),
        ] {
            let answer = edged.get(&bad, &[]);
            assert_eq!(answer.status, 403, "{bad}");
            assert_eq!(answer.header("access-control-allow-origin"), "*", "a page learns why: {bad}");
            let secret = format!("X-Origin-Verify: {ORIGIN_SECRET}");
            assert_eq!(edged.get(&bad, &[&secret]).status, 403, "{bad}");
        }
        assert_eq!(edged.get("/v1/tracks", &[]).status, 404, "only audio is here");
        assert_eq!(raw_to(&edged.base, "POST", &target, &["Content-Length: 0"]).status, 403);
    });
}

#[test]
fn every_range_through_the_edge_has_the_bytes_of_the_object() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let bytes = noise(SIZE);
        let track = Track::add(&database, "a.flac", &bytes);
        let edged = Edged::start(&database).await;
        let login = edged.server.user(&database, "anna").await;
        let target = edged.target(&login, &track).await;
        let etag = format!("\"{}\"", track.version);
        for _ in ["cold", "warm"] {
            assert_allowed_answers(|lines| edged.get(&target, lines), &bytes, &etag);
        }
    });
}

/// So many plays of a track by a user, that many seconds ago.
fn played(database: &TestDatabase, track: &Track, plays: i64, ago_s: u64) {
    let started_us = i64::try_from(now_s() - ago_s).unwrap() * 1_000_000;
    let insert = |connection: &mut segue::db::DbConnection| {
        for play in 0..plays {
            let stamp = (plays::user_id.eq(1), plays::epoch.eq(track.id.to_sql()), plays::revision.eq(play));
            let what = (plays::media_id.eq(track.id.to_sql()), plays::kind.eq("track"), plays::counted.eq(false));
            diesel::insert_into(plays::table)
                .values((stamp, what, plays::started_us.eq(started_us)))
                .execute(connection)?;
        }
        Ok(())
    };
    database.open().write_blocking(insert).unwrap();
}

on_both_databases! {
    async fn the_first_play_of_a_hot_track_hits_and_a_cold_one_is_never_loaded(database) {
        let bytes = noise((1 << 20) + 1000);
        let [cold, gone, hot, hotter] = ["cold", "gone", "hot", "hotter"].map(|name| {
            Track::add(&database, &format!("{name}.flac"), &[name.as_bytes(), &bytes].concat())
        });
        let edged = Edged::start(&database).await;
        let login = edged.server.admin(&database, "anna").await;
        let before = answers(&login).await;
        played(&database, &cold, 2, 60);
        played(&database, &gone, 20, 15 * 86_400);
        played(&database, &hot, 3, 3_600);
        // Two slices of each: nobody has asked for them.
        until("what is hot is at the edge", async || answers(&login).await >= before + 2).await;
        // The hottest goes first, so what comes after it shows that nothing else was wanted.
        played(&database, &hotter, 9, 60);
        until("what has become hot is, too", async || answers(&login).await >= before + 4).await;
        assert_eq!(answers(&login).await, before + 4);
        for (track, state) in [(&hot, "HIT"), (&hotter, "HIT"), (&cold, "MISS"), (&gone, "MISS")] {
            let first = edged.get(&edged.target(&login, track).await, &[]);
            assert_eq!((first.status, first.header("x-cache-status")), (200, state), "{}", track.path.display());
        }
    }
}

on_both_databases! {
    async fn of_several_live_nodes_one_loads(database) {
        let db = database.open();
        for (node, beat_us) in [(5, 100), (7, 100), (3, 10)] {
            let row = (nodes::node_id.eq(node), nodes::beat_us.eq(beat_us));
            db.write_blocking(|connection| Ok(diesel::insert_into(nodes::table).values(row).execute(connection)?)).unwrap();
        }
        let loads = |node, since| {
            db.read_blocking(|connection| is_first_node(connection, NodeId(node), Micros(since))).unwrap()
        };
        assert_eq!((loads(5, 50), loads(7, 50)), (true, false));
        // The first has ended; no node is live.
        assert_eq!((loads(3, 5), loads(5, 5), loads(7, 101)), (true, false, true));
    }
}
