//! Which tracks of one title are one album: a pure function over what their files say, so that it gives the same whatever
//! the order of the files, and after one scan or many.

mod folder;
#[cfg(test)]
mod tests;

use folder::Unit;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What the file of a track says of its album. Names are given as [`super::spelling::identity`].
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlbumClues {
    /// The title of the track.
    pub title: String,
    /// The first artist of the track.
    pub artist: String,
    /// The album artists as tagged.
    pub album_artists: Vec<String>,
    /// The id of the release in `MusicBrainz`.
    pub release: Option<String>,
    /// The date, which begins with the year.
    pub date: Option<String>,
    /// Whether the tags mark the album as a compilation of various artists.
    pub compilation: bool,
    /// The folder; the same for folders of discs of one album.
    pub place: i64,
    /// The folder above when that one has the name of the album, else `place`.
    pub home: i64,
    /// The number of the disc.
    pub disc: i64,
    /// The number of the track on the disc.
    pub number: Option<i64>,
}

/// An album that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlbumGroup {
    /// The indices of its tracks, in ascending order.
    pub tracks: Vec<usize>,
    /// Why they are one album, for people.
    pub why: String,
}

/// What the tracks of an album have in common, beside its title.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Bond {
    /// An id of `MusicBrainz`.
    Release(String),
    /// Tagged album artists.
    Artists(Vec<String>),
    /// Various artists: so tagged, or marked as a compilation.
    Various,
    /// A folder; when it holds several albums of the title, one artist in it.
    Folder(i64, Option<String>),
    /// An artist whose folders have other discs each.
    Discs(String),
}

/// Names of the artist of compilations.
const VARIOUS: [&str; 4] = ["various artists", "various", "va", "v.a."];

/// Puts tracks whose albums have equal titles into albums. Every track is in one.
#[must_use]
pub fn albums(tracks: &[AlbumClues]) -> Vec<AlbumGroup> {
    let mut places: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (index, track) in tracks.iter().enumerate() {
        places.entry(track.place).or_default().push(index);
    }
    let mut by_bond: BTreeMap<Bond, Vec<Unit>> = BTreeMap::new();
    for members in places.into_values() {
        for unit in folder::units(tracks, members) {
            by_bond.entry(unit.bond.clone()).or_default().push(unit);
        }
    }
    let mut found: Vec<AlbumParts> = by_bond.into_values().flat_map(|units| gather(tracks, units)).collect();
    adopt(&mut found);
    join_discs(&mut found);
    let mut groups: Vec<AlbumGroup> = found
        .iter()
        .map(|album| {
            let mut members = album.tracks.clone();
            members.sort_unstable();
            AlbumGroup { tracks: members, why: why(album, &found) }
        })
        .collect();
    groups.sort_unstable_by(|a, b| a.tracks.cmp(&b.tracks));
    groups
}

/// An album while folders are added to it.
struct AlbumParts {
    bond: Bond,
    tracks: Vec<usize>,
    facts: Facts,
}

/// What is compared of two parts of an album.
#[derive(Debug, Clone, Default)]
struct Facts {
    /// The titles at each number of each disc.
    titles: HashMap<(i64, i64), BTreeSet<String>>,
    year: Option<String>,
    discs: BTreeSet<i64>,
    homes: BTreeSet<i64>,
    /// The artists of the tracks, and how many tracks each has.
    artists: BTreeMap<String, usize>,
    album_artists: Vec<String>,
    /// Whether one folder has tracks of several artists.
    is_mixed: bool,
    count: usize,
}

impl Facts {
    fn of(tracks: &[AlbumClues], members: &[usize]) -> Self {
        let all = || members.iter().filter_map(|index| tracks.get(*index));
        let mut facts = Self { count: members.len(), year: most_common(all().filter_map(year)), ..Self::default() };
        for track in all() {
            if let Some(number) = track.number {
                facts.titles.entry((track.disc, number)).or_default().insert(track.title.clone());
            }
            facts.discs.insert(track.disc);
            facts.homes.insert(track.home);
            *facts.artists.entry(track.artist.clone()).or_default() += 1;
        }
        let tagged = all().map(|track| track.album_artists.clone()).filter(|artists| !artists.is_empty());
        facts.album_artists = most_common(tagged).unwrap_or_default();
        facts.is_mixed = facts.artists.len() > 1;
        facts
    }

    fn add(&mut self, other: Self) {
        for (position, titles) in other.titles {
            self.titles.entry(position).or_default().extend(titles);
        }
        self.year = self.year.take().or(other.year);
        self.discs.extend(other.discs);
        self.homes.extend(other.homes);
        for (artist, count) in other.artists {
            let all = self.artists.entry(artist).or_default();
            *all = all.saturating_add(count);
        }
        self.is_mixed |= other.is_mixed;
        self.count = self.count.saturating_add(other.count);
    }

    /// How many positions both have, and at how many of them with the same title.
    fn common(&self, other: &Self) -> (usize, usize) {
        let (few, many) = if self.titles.len() < other.titles.len() { (self, other) } else { (other, self) };
        let both = few.titles.iter().filter_map(|(position, titles)| Some((titles, many.titles.get(position)?)));
        both.fold((0, 0), |(all, same), (one, two)| (all + 1, same + usize::from(!one.is_disjoint(two))))
    }

    /// The artist of at least three quarters of the tracks.
    fn main_artist(&self) -> Option<&str> {
        let is_main = |count: usize| count.saturating_mul(4) >= self.count.saturating_mul(3);
        self.artists.iter().find(|(_, count)| is_main(**count)).map(|(artist, _)| artist.as_str())
    }

    fn has_other_year(&self, other: &Self) -> bool {
        matches!((&self.year, &other.year), (Some(one), Some(two)) if one != two)
    }
}

/// Whether two parts with one bond, in different folders or with different dates, are different albums.
fn are_apart(bond: &Bond, one: &Facts, two: &Facts) -> bool {
    let (common, same) = one.common(two);
    // Half of the smaller part is there twice: another copy.
    if same > 0 && same.saturating_mul(2) >= one.count.min(two.count) {
        return true;
    }
    let in_one_home = one.homes.len() == 1 && one.homes == two.homes;
    let other_year = one.has_other_year(two);
    match bond {
        Bond::Release(_) => false,
        Bond::Artists(_) => {
            let are_discs = one.discs.is_disjoint(&two.discs) || (in_one_home && common == 0);
            (other_year && !are_discs) || (common > 1 && !in_one_home)
        }
        Bond::Various => {
            let are_discs = one.discs.is_disjoint(&two.discs);
            let are_whole = one.is_mixed && two.is_mixed;
            (other_year && !are_discs && (common > 0 || are_whole)) || (common > 1 && !in_one_home)
        }
        Bond::Folder(..) | Bond::Discs(_) => other_year && common > 0,
    }
}

/// Puts the parts that have one bond into albums, the largest parts first.
fn gather(tracks: &[AlbumClues], units: Vec<Unit>) -> Vec<AlbumParts> {
    let mut parts: Vec<(Facts, Unit)> =
        units.into_iter().map(|unit| (Facts::of(tracks, &unit.members), unit)).collect();
    // What decides the order must not depend on the order of the tracks.
    parts.sort_by_cached_key(|(facts, unit)| {
        let first = unit.members.iter().filter_map(|index| tracks.get(*index)).min().cloned();
        (std::cmp::Reverse(facts.count), first)
    });
    let mut albums: Vec<AlbumParts> = Vec::new();
    for (facts, unit) in parts {
        match albums.iter_mut().find(|album| !are_apart(&unit.bond, &album.facts, &facts)) {
            Some(album) => {
                album.tracks.extend(unit.members);
                album.facts.add(facts);
            }
            None => albums.push(AlbumParts { bond: unit.bond, tracks: unit.members, facts }),
        }
    }
    albums
}

/// Adds albums without a `MusicBrainz` id to the one with such an id that lacks just these tracks.
fn adopt(albums: &mut Vec<AlbumParts>) {
    let releases: Vec<usize> = (0..albums.len())
        .filter(|index| matches!(albums.get(*index), Some(AlbumParts { bond: Bond::Release(_), .. })))
        .collect();
    let mut moves = Vec::new();
    for (index, album) in albums.iter().enumerate() {
        let Bond::Artists(artists) = &album.bond else { continue };
        let fits = |release: &&usize| {
            albums.get(**release).is_some_and(|release| {
                let is_whole = release.facts.common(&album.facts).0 == 0;
                release.facts.album_artists == *artists && is_whole && !release.facts.has_other_year(&album.facts)
            })
        };
        if let [release] = releases.iter().filter(fits).copied().collect::<Vec<_>>()[..] {
            moves.push((index, release));
        }
    }
    for (from, to) in &moves {
        let tracks = albums.get_mut(*from).map(|album| std::mem::take(&mut album.tracks)).unwrap_or_default();
        if let Some(album) = albums.get_mut(*to) {
            album.tracks.extend(tracks);
        }
    }
    albums.retain(|album| !album.tracks.is_empty());
}

/// Makes one album of those of one artist in several folders, without album artists, when each has other discs and none
/// has another year.
fn join_discs(albums: &mut Vec<AlbumParts>) {
    let mut by_artist: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, album) in albums.iter().enumerate() {
        if let (Bond::Folder(..), Some(artist)) = (&album.bond, album.facts.main_artist()) {
            by_artist.entry(artist.to_owned()).or_default().push(index);
        }
    }
    for (artist, parts) in by_artist.into_iter().filter(|(_, parts)| parts.len() > 1) {
        let all = || parts.iter().filter_map(|index| albums.get(*index)).map(|album| &album.facts);
        let discs: BTreeSet<i64> = all().flat_map(|facts| facts.discs.iter().copied()).collect();
        let years: BTreeSet<&String> = all().filter_map(|facts| facts.year.as_ref()).collect();
        if discs.len() < all().map(|facts| facts.discs.len()).sum::<usize>() || years.len() > 1 {
            continue;
        }
        let mut joined = AlbumParts { bond: Bond::Discs(artist), tracks: Vec::new(), facts: Facts::default() };
        for index in parts {
            let Some(album) = albums.get_mut(index) else { continue };
            joined.tracks.append(&mut album.tracks);
            joined.facts.add(std::mem::take(&mut album.facts));
        }
        albums.push(joined);
    }
    albums.retain(|album| !album.tracks.is_empty());
}

/// Why an album is one, and what tells it from those among `all` that could be taken for it.
fn why(album: &AlbumParts, all: &[AlbumParts]) -> String {
    let base = match &album.bond {
        Bond::Release(id) => format!("its tracks have the title and the MusicBrainz album id {id}"),
        Bond::Artists(_) => "its tracks have the title and the album artists".to_owned(),
        Bond::Various => "its tracks have the title and are marked as a compilation".to_owned(),
        Bond::Folder(_, None) => {
            let discs = if album.facts.discs.len() > 1 { " or its folders of discs" } else { "" };
            format!(
                "its tracks have the title, by their tags or by the name of their folder, no album artists, and lie in one \
                 folder{discs}"
            )
        }
        Bond::Folder(_, Some(_)) => {
            "its tracks have the title, no album artists, and the artist; the folder has others with the same numbers"
                .to_owned()
        }
        Bond::Discs(_) => {
            "its tracks have the title, no album artists, and the artist; each folder has other discs".to_owned()
        }
    };
    base + &difference(album, all)
}

/// What tells an album from the others that have the same bond or one of its artists.
fn difference(album: &AlbumParts, all: &[AlbumParts]) -> String {
    let facts = &album.facts;
    let is_like = |other: &&AlbumParts| {
        other.bond == album.bond || other.facts.artists.keys().any(|artist| facts.artists.contains_key(artist))
    };
    let others: Vec<&AlbumParts> = all.iter().filter(|other| !std::ptr::eq(*other, album)).filter(is_like).collect();
    if others.is_empty() {
        return String::new();
    }
    let has_own_folder = others.iter().all(|other| other.facts.homes.is_disjoint(&facts.homes));
    let own_year =
        facts.year.as_ref().filter(|year| others.iter().all(|other| other.facts.year.as_ref() != Some(year)));
    match (has_own_folder, own_year) {
        (true, Some(year)) => format!("; its folder and year ({year}) tell it from others of this title"),
        (false, Some(year)) => format!("; its year ({year}) tells it from others of this title"),
        (true, None) => "; its folder tells it from others of this title".to_owned(),
        (false, None) => String::new(),
    }
}

fn year(track: &AlbumClues) -> Option<String> {
    track.date.as_deref().and_then(|date| date.get(..4)).map(str::to_owned)
}

/// The most frequent value; of several the smallest.
#[must_use]
pub fn most_common<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_insert(0_u64) += 1;
    }
    let most = counts.values().copied().max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(value, _)| value)
}
