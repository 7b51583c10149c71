use super::*;
use proptest::prelude::*;

/// A track: folder, artist, album artist, year, number; empty texts and 0 are absent.
fn track(place: i64, artist: &str, album_artist: &str, year: &str, number: i64) -> AlbumClues {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    AlbumClues {
        title: format!("{artist} {number}"),
        artist: artist.to_owned(),
        album_artists: some(album_artist).into_iter().collect(),
        date: some(year),
        place,
        home: place,
        disc: 1,
        number: (number > 0).then_some(number),
        ..AlbumClues::default()
    }
}

/// How many tracks each album has, in ascending order.
fn sizes(tracks: &[AlbumClues]) -> Vec<usize> {
    let mut sizes: Vec<usize> = albums(tracks).iter().map(|album| album.tracks.len()).collect();
    sizes.sort_unstable();
    sizes
}

/// Three tracks numbered from 1 that differ in nothing else.
fn three(of: impl Fn(i64) -> AlbumClues) -> Vec<AlbumClues> {
    (1..=3).map(of).collect()
}

#[test]
fn two_albums_of_one_name_are_told_apart_by_id_or_by_year_and_folder() {
    let both = |one: &dyn Fn(i64) -> AlbumClues, two: &dyn Fn(i64) -> AlbumClues| [three(one), three(two)].concat();
    let with_id = |place, id: &str, year: &'static str| {
        let id = id.to_owned();
        move |n| AlbumClues { release: Some(id.clone()), ..track(place, "w", "w", year, n) }
    };
    assert_eq!(sizes(&both(&with_id(1, "a", ""), &with_id(2, "b", ""))), [3, 3]);
    assert_eq!(sizes(&both(&with_id(1, "a", ""), &with_id(1, "b", ""))), [3, 3], "in one folder");
    assert_eq!(sizes(&both(&|n| track(1, "w", "w", "1994", n), &|n| track(2, "w", "w", "2001", n))), [3, 3]);
    // One of them has only other numbers.
    assert_eq!(sizes(&both(&|n| track(1, "w", "w", "1994", n), &|n| track(2, "w", "w", "2001", n + 3))), [3, 3]);
    // Without years: other titles at the same numbers in another folder.
    let other = |n| AlbumClues { title: format!("other {n}"), ..track(2, "w", "w", "", n) };
    assert_eq!(sizes(&both(&|n| track(1, "w", "w", "", n), &other)), [3, 3]);
    // A remaster in the same folder, and a copy in another format.
    assert_eq!(sizes(&both(&|n| track(1, "w", "w", "1973", n), &|n| track(1, "w", "w", "2011", n))), [3, 3]);
    assert_eq!(sizes(&both(&|n| track(1, "w", "w", "1973", n), &|n| track(2, "w", "w", "1973", n))), [3, 3]);
}

#[test]
fn what_is_one_is_not_split() {
    let dates = ["1979", "1980", "1981"];
    let differing: Vec<_> = dates.iter().zip(1..).map(|(year, n)| track(1, "p", "p", year, n)).collect();
    assert_eq!(sizes(&differing), [3], "differing dates in one folder");
    let in_parts = [three(|n| track(1, "p", "p", "1979", n)), three(|n| track(2, "p", "p", "1979", n + 3))].concat();
    assert_eq!(sizes(&in_parts), [6], "two folders of one year");
    let disc = |n| AlbumClues { disc: 2, ..track(2, "p", "p", "1980", n) };
    assert_eq!(sizes(&[three(|n| track(1, "p", "p", "1979", n)), three(disc)].concat()), [6], "discs of two years");
    // Discs whose folders are not known as such, below the folder of the album.
    let below = |place, title: &'static str| {
        move |n| AlbumClues { title: format!("{title} {n}"), home: 9, ..track(place, "p", "p", "1979", n) }
    };
    assert_eq!(sizes(&[three(below(1, "red")), three(below(2, "blue"))].concat()), [6]);
}

#[test]
fn a_few_tracks_without_album_artist_or_id_are_of_the_album() {
    let album = |n| track(1, "x", if n == 7 { "" } else { "x" }, "", n);
    assert_eq!(sizes(&(1..=10).map(album).collect::<Vec<_>>()), [10]);
    let guest = |n| if n == 7 { track(1, "y", "", "", n) } else { track(1, "x", "x", "", n) };
    assert_eq!(sizes(&(1..=10).map(guest).collect::<Vec<_>>()), [10]);
    let with_id = |n| AlbumClues { release: (n != 7).then(|| "a".to_owned()), ..track(1, "x", "x", "", n) };
    assert_eq!(sizes(&(1..=10).map(with_id).collect::<Vec<_>>()), [10]);
    let elsewhere = |n| AlbumClues { release: (n != 7).then(|| "a".to_owned()), ..track(n, "x", "x", "", n) };
    assert_eq!(sizes(&(1..=10).map(elsewhere).collect::<Vec<_>>()), [10]);
}

#[test]
fn a_folder_may_hold_albums_of_several_artists() {
    let hits = |artists: &[&str], per: i64| -> Vec<AlbumClues> {
        artists.iter().flat_map(|artist| (1..=per).map(|n| track(1, artist, "", "", n)).collect::<Vec<_>>()).collect()
    };
    assert_eq!(sizes(&hits(&["abba", "queen"], 3)), [3, 3]);
    assert_eq!(sizes(&hits(&["abba", "queen", "wham"], 3)), [3, 3, 3]);
    assert_eq!(sizes(&hits(&["abba", "queen"], 1)), [1, 1]);
    let mut few = hits(&["abba"], 20);
    few.extend(hits(&["queen"], 3));
    few.push(track(1, "queen feat. bowie", "", "", 4));
    assert_eq!(sizes(&few), [4, 20]);
    let half_tagged = [three(|n| track(1, "abba", "abba", "", n)), hits(&["queen"], 3)].concat();
    assert_eq!(sizes(&half_tagged), [3, 3]);
}

#[test]
fn a_compilation_is_one_in_its_folder_and_over_the_folders_of_its_artists() {
    let mixed: Vec<_> = ["a", "b", "c", "d"].iter().zip(1..).map(|(artist, n)| track(1, artist, "", "", n)).collect();
    assert_eq!(sizes(&mixed), [4]);
    // Two discs whose numbers are not tagged.
    let discs: Vec<_> = (0..20).map(|n| track(1, &format!("artist {n}"), "", "", n % 10 + 1)).collect();
    assert_eq!(sizes(&discs), [20]);
    let marked = |place, n: i64, year: &'static str| AlbumClues {
        compilation: true,
        ..track(place, &format!("artist {n}"), "", year, n)
    };
    let years = ["1991", "1995", "1999", ""];
    let over: Vec<_> = years.iter().zip(1..).map(|(year, n)| marked(n, n, year)).collect();
    assert_eq!(sizes(&over), [4]);
    let tagged: Vec<_> = (1..=4).map(|n| track(n, "a", "various artists", "", n)).collect();
    assert_eq!(sizes(&tagged), [4]);
    let two: Vec<_> = (1..=4).flat_map(|n| [marked(1, n, "1999"), marked(2, n, "2005")]).collect();
    assert_eq!(sizes(&two), [4, 4]);
}

#[test]
fn a_compilation_whose_tracks_have_their_artists_as_album_artists_is_one() {
    let marked = |artist: &str, n| AlbumClues { compilation: true, ..track(1, artist, artist, "", n) };
    let mixed: Vec<_> = ["a", "b", "c", "d"].iter().zip(1..).map(|(artist, n)| marked(artist, n)).collect();
    assert_eq!(sizes(&mixed), [4]);
    let with_marked_others = [mixed, vec![AlbumClues { compilation: true, ..track(1, "e", "", "", 5) }]].concat();
    assert_eq!(sizes(&with_marked_others), [5]);
    // The best of two artists, which programs mark as compilations, too.
    assert_eq!(sizes(&[three(|n| marked("abba", n)), three(|n| marked("queen", n))].concat()), [3, 3]);
    assert_eq!(sizes(&three(|n| marked("abba", n))), [3]);
}

#[test]
fn folders_of_one_artist_with_other_discs_are_one() {
    let disc = |place, disc, artist: &'static str, year: &'static str| {
        move |n| AlbumClues { disc, ..track(place, artist, "", year, n) }
    };
    let both =
        |one: &dyn Fn(i64) -> AlbumClues, two: &dyn Fn(i64) -> AlbumClues| sizes(&[three(one), three(two)].concat());
    assert_eq!(both(&disc(1, 1, "o", ""), &disc(2, 2, "o", "")), [6]);
    assert_eq!(both(&disc(1, 1, "o", "1999"), &disc(2, 2, "o", "")), [6]);
    assert_eq!(both(&disc(1, 1, "o", ""), &disc(2, 2, "p", "")), [3, 3]);
    assert_eq!(both(&disc(1, 1, "o", "1994"), &disc(2, 2, "o", "2001")), [3, 3]);
    assert_eq!(both(&disc(1, 1, "o", ""), &disc(2, 1, "o", "")), [3, 3]);
    // With a second copy of one disc, it is unknown which folders belong together.
    let copies = [three(disc(1, 1, "o", "")), three(disc(2, 2, "o", "")), three(disc(3, 2, "o", ""))].concat();
    assert_eq!(sizes(&copies), [3, 3, 3]);
    let why = albums(&[three(disc(1, 1, "o", "")), three(disc(2, 2, "o", ""))].concat()).remove(0).why;
    assert!(why.contains("each folder has other discs"), "{why}");
}

#[test]
fn an_album_says_why_it_is_one() {
    let why = |tracks: &[AlbumClues]| albums(tracks).into_iter().map(|album| album.why).collect::<Vec<_>>();
    let two = [three(|n| track(1, "w", "w", "1994", n)), three(|n| track(2, "w", "w", "2001", n))].concat();
    assert!(why(&two)[0].contains("album artists") && why(&two)[0].contains("1994"), "{:?}", why(&two));
    let release = three(|n| AlbumClues { release: Some("f00".to_owned()), ..track(1, "w", "w", "", n) });
    assert!(why(&release)[0].contains("MusicBrainz album id f00"));
    assert!(why(&three(|n| track(1, "w", "", "", n)))[0].ends_with("lie in one folder"));
    let discs = why(&three(|n| AlbumClues { disc: n, ..track(1, "w", "", "", n) }));
    assert!(discs[0].ends_with("lie in one folder or its folders of discs"), "{discs:?}");
}

#[test]
fn an_album_says_what_tells_it_from_others_of_its_title() {
    let why = |one: [(i64, &'static str, &'static str, &'static str); 2]| {
        let [one, two] = one.map(|(place, artist, by, year)| three(|n| track(place, artist, by, year, n)));
        albums(&[one, two].concat()).into_iter().map(|album| album.why).collect::<Vec<_>>()
    };
    let ends = |found: &[String], ends: [&str; 2]| {
        assert!(found.len() == 2 && found.iter().zip(ends).all(|(why, end)| why.ends_with(end)), "{found:?}");
    };
    let both = |year: &str| format!("; its folder and year ({year}) tell it from others of this title");
    for by in ["", "w"] {
        ends(&why([(1, "w", by, "1994"), (2, "w", by, "2001")]), [&both("1994"), &both("2001")]);
        let folder = "; its folder tells it from others of this title";
        ends(&why([(1, "w", by, "1994"), (2, "w", by, "1994")]), [folder, folder]);
        let year = [
            "; its year (1973) tells it from others of this title",
            "; its year (2011) tells it from others of this title",
        ];
        ends(&why([(1, "w", by, "1973"), (1, "w", by, "2011")]), year);
    }
    // One has album artists.
    ends(&why([(1, "w", "w", "1994"), (2, "w", "", "2001")]), [&both("1994"), &both("2001")]);
    // Another artist's album of the same title is not taken for it.
    ends(&why([(1, "abba", "", "1992"), (2, "queen", "", "1981")]), ["lie in one folder", "lie in one folder"]);
}

/// Tracks of a title in a few folders, with few values, so that they meet.
fn clues() -> impl Strategy<Value = Vec<AlbumClues>> {
    let artist = prop::sample::select(vec!["a", "a feat. b", "b", "c"]);
    let album_artist = prop::sample::select(vec!["", "", "a", "b", "various artists"]);
    let release = prop::option::weighted(0.2, prop::sample::select(vec!["r", "s"]));
    let year = prop::sample::select(vec!["", "1994", "2001"]);
    let flags = (prop::bool::weighted(0.2), 0..3_i64, 1..3_i64);
    let one = (artist, album_artist, release, year, 0..4_i64, 0..5_i64, flags).prop_map(
        |(artist, album_artist, release, year, place, number, (compilation, home, disc))| AlbumClues {
            release: release.map(str::to_owned),
            compilation,
            home: if home == 0 { 9 } else { place },
            disc,
            ..track(place, artist, album_artist, year, number)
        },
    );
    prop::collection::vec(one, 0..14)
}

/// The albums as the tracks they have, which does not depend on indices.
fn content(tracks: &[AlbumClues]) -> Vec<(Vec<AlbumClues>, String)> {
    let mut found: Vec<_> = albums(tracks)
        .into_iter()
        .map(|album| {
            let mut members: Vec<_> = album.tracks.iter().map(|index| tracks[*index].clone()).collect();
            members.sort();
            (members, album.why)
        })
        .collect();
    found.sort();
    found
}

proptest! {
    #[test]
    fn the_order_of_the_files_does_not_matter((tracks, shuffled) in clues().prop_flat_map(|tracks| {
        (Just(tracks.clone()), Just(tracks).prop_shuffle())
    })) {
        prop_assert_eq!(content(&tracks), content(&shuffled));
    }

    #[test]
    fn every_track_is_on_one_album(tracks in clues()) {
        let mut all: Vec<usize> = albums(&tracks).into_iter().flat_map(|album| album.tracks).collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..tracks.len()).collect::<Vec<_>>());
    }

    #[test]
    fn an_album_of_others_changes_nothing(tracks in clues(), number in 1..4_i64) {
        let mut more = tracks.clone();
        more.push(AlbumClues { release: Some("other".to_owned()), ..track(50, "other", "other", "1950", number) });
        let mut before: Vec<_> = content(&tracks).into_iter().map(|(members, _)| members).collect();
        before.push(vec![more.last().expect("pushed").clone()]);
        before.sort();
        let after: Vec<_> = content(&more).into_iter().map(|(members, _)| members).collect();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn ids_of_musicbrainz_decide(tracks in clues()) {
        for (members, _) in content(&tracks) {
            let ids: BTreeSet<_> = members.iter().filter_map(|track| track.release.clone()).collect();
            prop_assert!(ids.len() < 2, "{:?}", members);
        }
    }
}
