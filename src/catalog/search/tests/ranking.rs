//! What queries must find, and in which order, in a small library.

use super::{BOB, Fixture, document};
use crate::values::document::{Document, ItemKind};
use ItemKind::{Album, Artist, Playlist, Track};

/// A title and its tracks with their popularity.
type AlbumOf = (&'static str, &'static [(&'static str, u8)]);

/// Artists with popularity and albums.
const LIBRARY: &[(&str, u8, &[AlbumOf])] = &[
    (
        "The Beatles",
        95,
        &[
            ("Abbey Road", &[("Come Together", 90), ("Something", 85), ("Here Comes the Sun", 96)]),
            ("Help!", &[("Help!", 80), ("Yesterday", 92)]),
        ],
    ),
    (
        "Queen",
        94,
        &[
            ("A Night at the Opera", &[("Bohemian Rhapsody", 97), ("You're My Best Friend", 70)]),
            ("Jazz", &[("Don't Stop Me Now", 93), ("Bicycle Race", 60)]),
        ],
    ),
    ("Queens of the Stone Age", 75, &[("Songs for the Deaf", &[("No One Knows", 78)])]),
    ("ABBA", 90, &[("Arrival", &[("Dancing Queen", 95), ("Knowing Me, Knowing You", 74)])]),
    ("Björk", 80, &[("Homogenic", &[("Jóga", 60), ("Bachelorette", 55)])]),
    ("MØ", 70, &[("No Mythologies to Follow", &[("Don't Wanna Dance", 40)])]),
    ("Moby", 88, &[("Play", &[("Porcelain", 80), ("Natural Blues", 70)])]),
    ("Modest Mouse", 85, &[("Good News", &[("Float On", 81)])]),
    ("Morcheeba", 84, &[("Big Calm", &[("The Sea", 60)])]),
    ("Mogwai", 86, &[("Young Team", &[("Mogwai Fear Satan", 50)])]),
    ("!!!", 45, &[("Louden Up Now", &[("Me and Giuliani Down by the School Yard", 30)])]),
    ("C++", 10, &[("Pointers", &[("Undefined Behaviour", 5)])]),
    ("C", 12, &[("Structs", &[("Segfault", 5)])]),
    ("P!nk", 89, &[("M!ssundaztood", &[("Get the Party Started", 75)])]),
    ("Pink Floyd", 91, &[("The Wall", &[("Another Brick in the Wall, Pt. 2", 88), ("Comfortably Numb", 87)])]),
    ("Röyksopp", 66, &[("Melody A.M.", &[("Eple", 58)])]),
    ("Røyksopp", 67, &[("The Understanding", &[("What Else Is There?", 65)])]),
    ("AC/DC", 92, &[("Back in Black", &[("Back in Black", 90), ("Hells Bells", 80)])]),
    ("A$AP Rocky", 82, &[("Long Live A$AP", &[("Goldie", 50)])]),
    ("東京事変", 55, &[("教育", &[("林檎の唄", 50), ("群青日和", 60)])]),
    ("椎名林檎", 60, &[("無罪モラトリアム", &[("丸の内サディスティック", 75)])]),
    ("방탄소년단", 96, &[("화양연화", &[("봄날", 88)])]),
    ("Кино", 65, &[("Группа крови", &[("Звезда по имени Солнце", 70), ("Ёлка", 10)])]),
    ("أم كلثوم", 60, &[("إنت عمري", &[("إنت عمري", 62)])]),
    ("คาราบาว", 40, &[("เมดอินไทยแลนด์", &[("เมดอินไทยแลนด์", 45)])]),
    ("Ὀδυσσεύς", 5, &[("Ταξίδι", &[("Ιθάκη", 5)])]),
    ("Simon & Garfunkel", 79, &[("Bookends", &[("Mrs. Robinson", 77)])]),
    ("The The", 35, &[("Soul Mining", &[("This Is the Day", 48)])]),
    ("Guns N’ Roses", 90, &[("Appetite for Destruction", &[("Sweet Child o' Mine", 92)])]),
    ("M.I.A.", 72, &[("Kala", &[("Paper Planes", 83)])]),
    ("Jay-Z", 91, &[("The Black Album", &[("99 Problems", 80)])]),
    (
        "Taylor Swift",
        99,
        &[("1989", &[("Shake It Off", 94), ("Blank Space", 95)]), ("Fearless", &[("Love Story", 96)])],
    ),
    ("Tchaikovsky", 70, &[("The Nutcracker", &[("Waltz of the Flowers", 60)])]),
    ("Ａｌｉｎａ", 3, &[("Ｗｉｄｅ", &[("Ｆｕｌｌ　Ｗｉｄｔｈ", 3)])]),
];

fn library() -> Fixture {
    let mut documents: Vec<Document> = Vec::new();
    let mut id = 0;
    let mut next = || {
        id += 1;
        id
    };
    for (artist, popularity, albums) in LIBRARY {
        documents.push(document(Artist, next(), artist, &[], *popularity));
        for (album, tracks) in *albums {
            documents.push(document(Album, next(), album, &[artist], *popularity / 2));
            for (track, popularity) in *tracks {
                documents.push(document(Track, next(), track, &[artist, album], *popularity));
            }
        }
    }
    documents.push(document(Playlist, next(), "Road trip", &["ann"], 0));
    let private = document(Playlist, next(), "Road to nowhere", &["bob"], 0);
    documents.push(Document { private_to: Some(BOB), ..private });
    Fixture::new(documents)
}

/// Query, kind, the first result, others that must be found, those that must not be found.
type Case = (&'static str, ItemKind, &'static str, &'static [&'static str], &'static [&'static str]);

const CASES: &[Case] = &[
    // Without accents and case.
    ("bjork", Artist, "Björk", &[], &[]),
    ("BJÖRK", Artist, "Björk", &[], &[]),
    ("bjor", Artist, "Björk", &[], &[]),
    ("joga", Track, "Jóga", &[], &[]),
    ("royksopp", Artist, "Røyksopp", &["Röyksopp"], &[]),
    ("Røyksopp", Artist, "Røyksopp", &["Röyksopp"], &[]),
    ("Röyksopp", Artist, "Röyksopp", &["Røyksopp"], &[]),
    ("ROYK", Artist, "Røyksopp", &["Röyksopp"], &[]),
    // An exact name ranks before prefixes that are more popular.
    ("mø", Artist, "MØ", &["Moby", "Mogwai"], &[]),
    ("mo", Artist, "MØ", &["Moby", "Modest Mouse", "Morcheeba", "Mogwai"], &["Björk"]),
    ("mog", Artist, "Mogwai", &[], &["Moby"]),
    ("jazz", Album, "Jazz", &[], &[]),
    ("help", Track, "Help!", &["Yesterday"], &[]),
    ("help!", Album, "Help!", &[], &[]),
    ("queen", Artist, "Queen", &["Queens of the Stone Age"], &[]),
    ("queens", Artist, "Queens of the Stone Age", &["Queen"], &[]),
    // Words in different fields, and incomplete queries.
    ("queen bohemian", Track, "Bohemian Rhapsody", &[], &["Dancing Queen"]),
    ("bohemian queen", Track, "Bohemian Rhapsody", &[], &[]),
    ("queen bohe", Track, "Bohemian Rhapsody", &[], &[]),
    ("que boh", Track, "Bohemian Rhapsody", &[], &[]),
    ("q", Artist, "Queen", &["Queens of the Stone Age"], &["ABBA"]),
    ("queen", Track, "Dancing Queen", &["Bohemian Rhapsody", "Don't Stop Me Now"], &["Yesterday"]),
    ("dancing", Track, "Dancing Queen", &[], &[]),
    ("beatles abbey sun", Track, "Here Comes the Sun", &[], &["Something"]),
    ("taylor love", Track, "Love Story", &[], &["Blank Space"]),
    ("1989", Album, "1989", &[], &[]),
    ("1989", Track, "Blank Space", &["Shake It Off"], &["Love Story"]),
    ("1988", Album, "", &[], &["1989"]),
    // Typos.
    ("beetles", Artist, "The Beatles", &[], &[]),
    ("beetl", Artist, "The Beatles", &[], &[]),
    ("the beetles", Artist, "The Beatles", &[], &[]),
    ("beatels", Artist, "The Beatles", &[], &[]),
    ("quene", Artist, "Queen", &[], &[]),
    ("qeen bohemain", Track, "Bohemian Rhapsody", &[], &[]),
    ("bohemiam rhapsodi", Track, "Bohemian Rhapsody", &[], &[]),
    ("chaikovski", Artist, "Tchaikovsky", &[], &[]),
    ("tchaikvosky", Artist, "Tchaikovsky", &[], &[]),
    ("garfnukl", Artist, "Simon & Garfunkel", &[], &[]),
    ("kbe", Artist, "", &[], &["Queen"]),
    ("yesterdxx", Track, "Yesterday", &[], &[]),
    ("yestxxxxx", Track, "", &[], &["Yesterday"]),
    // "The" is needed neither in the query nor in the name.
    ("beatles", Artist, "The Beatles", &[], &[]),
    ("the beatles", Artist, "The Beatles", &[], &[]),
    ("the queen", Artist, "Queen", &[], &[]),
    ("the the", Artist, "The The", &[], &[]),
    ("the", Artist, "The The", &["The Beatles"], &[]),
    ("the wall", Album, "The Wall", &[], &[]),
    ("wall", Album, "The Wall", &[], &[]),
    // Names with signs.
    ("!!!", Artist, "!!!", &[], &["Queen"]),
    ("!", Artist, "!!!", &[], &["P!nk"]),
    ("c++", Artist, "C++", &[], &["C"]),
    ("C", Artist, "C", &["C++"], &[]),
    ("P!nk", Artist, "P!nk", &[], &[]),
    ("p!n", Artist, "P!nk", &[], &[]),
    ("pnk", Artist, "P!nk", &[], &[]),
    ("pink", Artist, "P!nk", &["Pink Floyd"], &[]),
    ("pink floyd", Artist, "Pink Floyd", &[], &["P!nk"]),
    ("missundaztood", Album, "M!ssundaztood", &[], &[]),
    ("acdc", Artist, "AC/DC", &[], &[]),
    ("ac dc", Artist, "AC/DC", &[], &[]),
    ("ac/dc", Artist, "AC/DC", &[], &[]),
    ("AC/", Artist, "AC/DC", &[], &[]),
    ("ac/dc hells", Track, "Hells Bells", &[], &["Back in Black"]),
    ("asap rocky", Artist, "A$AP Rocky", &[], &[]),
    ("a$ap", Artist, "A$AP Rocky", &[], &[]),
    ("mia", Artist, "M.I.A.", &[], &[]),
    ("m.i.a.", Artist, "M.I.A.", &[], &[]),
    ("jay z", Artist, "Jay-Z", &[], &[]),
    ("jayz", Artist, "Jay-Z", &[], &[]),
    ("jay-z", Artist, "Jay-Z", &[], &[]),
    ("simon and garfunkel", Artist, "Simon & Garfunkel", &[], &[]),
    ("simon & garf", Artist, "Simon & Garfunkel", &[], &[]),
    ("simon garfunkel", Artist, "Simon & Garfunkel", &[], &[]),
    ("dont stop", Track, "Don't Stop Me Now", &[], &["Don't Wanna Dance"]),
    ("don’t stop", Track, "Don't Stop Me Now", &[], &[]),
    ("guns n roses", Artist, "Guns N’ Roses", &[], &[]),
    ("what else is there", Track, "What Else Is There?", &[], &[]),
    ("brick wall pt 2", Track, "Another Brick in the Wall, Pt. 2", &[], &[]),
    // Other scripts.
    ("東京事変", Artist, "東京事変", &[], &[]),
    ("東", Artist, "東京事変", &[], &[]),
    ("事変", Artist, "東京事変", &[], &["椎名林檎"]),
    ("京事", Artist, "東京事変", &[], &[]),
    ("変", Artist, "東京事変", &[], &[]),
    ("林檎", Artist, "椎名林檎", &[], &["東京事変"]),
    ("林檎", Track, "林檎の唄", &["丸の内サディスティック"], &["群青日和"]),
    ("さでぃすてぃっく", Track, "丸の内サディスティック", &[], &[]),
    ("ｻﾃﾞｨｽ", Track, "丸の内サディスティック", &[], &[]),
    ("東京事変 群青", Track, "群青日和", &[], &["林檎の唄"]),
    ("방탄", Artist, "방탄소년단", &[], &[]),
    ("방타", Artist, "방탄소년단", &[], &[]),
    ("소년", Artist, "방탄소년단", &[], &[]),
    ("кино", Artist, "Кино", &[], &[]),
    ("КИН", Artist, "Кино", &[], &[]),
    ("група крови", Album, "Группа крови", &[], &[]),
    ("елка", Track, "Ёлка", &[], &[]),
    ("ام كلثوم", Artist, "أم كلثوم", &[], &[]),
    ("انت", Track, "إنت عمري", &[], &[]),
    ("ไทย", Track, "เมดอินไทยแลนด์", &[], &[]),
    ("คารา", Artist, "คาราบาว", &[], &[]),
    ("οδυσσευς", Artist, "Ὀδυσσεύς", &[], &[]),
    ("full width", Track, "Ｆｕｌｌ　Ｗｉｄｔｈ", &[], &[]),
    ("ｑｕｅｅｎ", Artist, "Queen", &[], &[]),
    // Playlists; another user's private one is not found.
    ("road", Playlist, "Road trip", &[], &["Road to nowhere"]),
    ("road to nowhere", Playlist, "", &[], &["Road to nowhere"]),
    // An empty query finds nothing.
    ("", Artist, "", &[], &["Queen"]),
    ("  \t", Artist, "", &[], &["Queen"]),
    ("??", Artist, "", &[], &["Queen"]),
    ("zzzz", Artist, "", &[], &["Queen"]),
];

#[test]
fn queries_find_the_expected_names() {
    let library = library();
    let mut wrong = Vec::new();
    for (query, kind, first, with, without) in CASES {
        let found = library.found(query, *kind);
        let right = found.first().copied().unwrap_or_default() == *first
            && with.iter().all(|name| found.contains(name))
            && without.iter().all(|name| !found.contains(name));
        if !right {
            wrong.push(format!("{kind} {query:?} must find {first:?} first, {with:?}, not {without:?}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_name_is_found_by_each_of_its_prefixes() {
    let library = library();
    for (kind, id, name) in &library.names {
        let user = Some(if name == "Road to nowhere" { BOB } else { super::ANN });
        for (end, _) in name.char_indices().skip(1) {
            let ids = library.ids(&name[..end], *kind, user);
            let only_signs = !name[..end].chars().any(char::is_alphanumeric);
            assert!(ids.contains(id) || only_signs, "{kind} {name:?} by {:?}", &name[..end]);
        }
        let exact = library.ids(name, *kind, user);
        assert_eq!(exact.first(), Some(id), "{kind} {name:?}");
    }
}

#[test]
fn a_private_playlist_is_found_by_its_owner_only() {
    let library = library();
    assert_eq!(library.ids("nowhere", Playlist, Some(BOB)).len(), 1);
    assert_eq!(library.ids("nowhere", Playlist, Some(super::ANN)).len(), 0);
    assert_eq!(library.ids("nowhere", Playlist, None).len(), 0);
}

#[test]
fn popularity_decides_between_equal_matches() {
    let named = |id, popularity| document(Track, id, "Intro", &["x"], popularity);
    let fixture =
        Fixture::new(vec![named(1, 3), named(2, 50), named(3, 7), document(Track, 4, "Introduction", &[], 99)]);
    assert_eq!(fixture.ids("intro", Track, None), [2, 3, 1, 4]);
    assert_eq!(fixture.ids("intr", Track, None), [4, 2, 3, 1]);
}

#[test]
fn a_more_exact_name_ranks_before_a_more_popular_one() {
    let named = |id, name, popularity| document(Artist, id, name, &[], popularity);
    let fixture = Fixture::new(vec![named(1, "Queen Bee", 99), named(2, "The Queen", 90), named(3, "Queen", 10)]);
    assert_eq!(fixture.ids("queen", Artist, None), [3, 2, 1]);
    assert_eq!(fixture.ids("the queen", Artist, None), [2, 3, 1]);
    let fixture = Fixture::new(vec![named(1, "Mo", 90), named(2, "MØ", 10)]);
    assert_eq!(fixture.ids("mo", Artist, None), [1, 2]);
    assert_eq!(fixture.ids("mø", Artist, None), [2, 1]);
}
