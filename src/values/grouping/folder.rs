//! The parts of albums in one folder.

use super::{AlbumClues, Bond, VARIOUS, most_common, year};
use std::collections::{BTreeMap, BTreeSet};

/// Tracks in one folder that are of one album.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) bond: Bond,
    pub(super) members: Vec<usize>,
}

/// Of this many tracks of an album one may have another artist and no album artist.
const GUESTS: usize = 3;

/// Puts the tracks of one folder into parts of albums.
pub(super) fn units(tracks: &[AlbumClues], members: Vec<usize>) -> Vec<Unit> {
    let folder = FolderTracks { tracks };
    let mut firm: BTreeMap<Bond, Vec<usize>> = BTreeMap::new();
    let mut loose: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mixed = folder.mixed_compilation(&members);
    for index in members {
        let Some(track) = tracks.get(index) else { continue };
        match bond_of(track) {
            _ if mixed.contains(&index) => firm.entry(Bond::Various).or_default().push(index),
            Some(bond) => firm.entry(bond).or_default().push(index),
            None => loose.entry(track.artist.clone()).or_default().push(index),
        }
    }
    folder.join_releases(&mut firm);
    // Tracks without album artists: first by the artist of the track, then guests.
    for by_artist in [true, false] {
        let some = std::mem::take(&mut loose);
        for (artist, members) in some {
            let fits = |(bond, there): &(&Bond, &mut Vec<usize>)| {
                if by_artist { folder.is_by(bond, there, &artist) } else { folder.takes_guests(bond, there, &members) }
            };
            match firm.iter_mut().find(fits) {
                Some((_, there)) => there.extend(members),
                None => drop(loose.insert(artist, members)),
            }
        }
    }
    let mut units: Vec<Unit> = Vec::new();
    let firm = firm.into_iter().map(|(bond, members)| Unit { bond, members });
    for unit in firm.chain(folder.by_folder(loose)) {
        let years = folder.by_year(&unit);
        if years.is_empty() {
            units.push(unit);
        } else {
            units.extend(years.into_iter().map(|members| Unit { bond: unit.bond.clone(), members }));
        }
    }
    units
}

/// What the tags of a track alone say; `None` when they name neither release nor album artists nor a compilation.
fn bond_of(track: &AlbumClues) -> Option<Bond> {
    let is_various = |artists: &[String]| artists.iter().all(|artist| VARIOUS.contains(&artist.as_str()));
    if let Some(release) = &track.release {
        return Some(Bond::Release(release.clone()));
    }
    match &track.album_artists[..] {
        [] => track.compilation.then_some(Bond::Various),
        artists if is_various(artists) => Some(Bond::Various),
        artists => Some(Bond::Artists(artists.to_vec())),
    }
}

struct FolderTracks<'a> {
    tracks: &'a [AlbumClues],
}

impl FolderTracks<'_> {
    fn all<'a>(&'a self, members: &'a [usize]) -> impl Iterator<Item = &'a AlbumClues> {
        members.iter().filter_map(|index| self.tracks.get(*index))
    }

    fn positions(&self, members: &[usize]) -> BTreeSet<(i64, i64)> {
        self.all(members).filter_map(|track| Some((track.disc, track.number?))).collect()
    }

    fn share_positions(&self, one: &[usize], two: &[usize]) -> bool {
        !self.positions(one).is_disjoint(&self.positions(two))
    }

    /// How often each position is there.
    fn counts(&self, members: &[usize]) -> BTreeMap<(i64, i64), usize> {
        let mut counts = BTreeMap::new();
        for position in self.all(members).filter_map(|track| Some((track.disc, track.number?))) {
            *counts.entry(position).or_default() += 1;
        }
        counts
    }

    /// The positions that are there more than once.
    fn doubled(&self, members: &[usize]) -> BTreeSet<(i64, i64)> {
        self.counts(members).into_iter().filter(|(_, count)| *count > 1).map(|(position, _)| position).collect()
    }

    /// How often the most frequent position is there.
    fn most_at_one_position(&self, members: &[usize]) -> usize {
        self.counts(members).into_values().max().unwrap_or(0)
    }

    fn album_artists(&self, members: &[usize]) -> Vec<String> {
        let tagged = self.all(members).map(|track| track.album_artists.clone());
        most_common(tagged.filter(|artists| !artists.is_empty())).unwrap_or_default()
    }

    /// Adds tracks that lack the `MusicBrainz` id to the release of their album artists, when there is one that lacks them.
    fn join_releases(&self, firm: &mut BTreeMap<Bond, Vec<usize>>) {
        let (mut releases, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(firm).into_iter().partition(|(bond, _)| matches!(bond, Bond::Release(_)));
        for (bond, members) in others {
            let artists = self.album_artists(&members);
            let fits = |(_, there): &(&Bond, &mut Vec<usize>)| {
                self.album_artists(there) == artists && !self.share_positions(there, &members)
            };
            match releases.iter_mut().find(fits) {
                Some((_, there)) => there.extend(members),
                None => drop(firm.insert(bond, members)),
            }
        }
        firm.append(&mut releases);
    }

    /// Whether tracks are by an artist: so tagged, or, without album artists, all of them are.
    fn is_by(&self, bond: &Bond, members: &[usize], artist: &str) -> bool {
        match bond {
            Bond::Artists(artists) => artists.iter().any(|tagged| tagged == artist),
            Bond::Release(_) => {
                let artists = self.album_artists(members);
                let is_tagged = artists.iter().any(|tagged| tagged == artist);
                is_tagged || (artists.is_empty() && self.all(members).any(|track| track.artist == artist))
            }
            Bond::Various | Bond::Folder(..) | Bond::Discs(_) => false,
        }
    }

    /// Whether tracks by others are of the album as well.
    fn takes_guests(&self, bond: &Bond, there: &[usize], guests: &[usize]) -> bool {
        let are_few = *bond == Bond::Various || guests.len().saturating_mul(GUESTS) <= there.len();
        are_few && !self.share_positions(there, guests)
    }

    /// The tracks of a compilation of which each has its own artist as album artist: so marked, by several artists, and not
    /// an album of each of them.
    fn mixed_compilation(&self, members: &[usize]) -> BTreeSet<usize> {
        let mut by_artist: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for index in members {
            let Some(track) = self.tracks.get(*index) else { continue };
            if track.compilation && track.release.is_none() && track.album_artists.first() == Some(&track.artist) {
                by_artist.entry(track.artist.clone()).or_default().push(*index);
            }
        }
        let all: Vec<usize> = by_artist.values().flatten().copied().collect();
        if by_artist.len() < 2 || self.are_albums(&by_artist, &all) {
            BTreeSet::new()
        } else {
            all.into_iter().collect()
        }
    }

    /// Tracks with neither album artists nor the mark of a compilation are one album, unless a few artists have the same
    /// numbers there: then each has an album.
    fn by_folder(&self, loose: BTreeMap<String, Vec<usize>>) -> Vec<Unit> {
        let all: Vec<usize> = loose.values().flatten().copied().collect();
        let Some(home) = self.all(&all).map(|track| track.home).min() else { return Vec::new() };
        let mut by_artist: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (artist, members) in loose {
            // "A feat. B" counts as "A".
            let main = by_artist.range(..artist.clone()).rev().map(|(main, _)| main.clone()).find(|main| {
                let rest = artist.strip_prefix(main.as_str());
                rest.is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphanumeric()))
            });
            by_artist.entry(main.unwrap_or(artist)).or_default().extend(members);
        }
        if !self.are_albums(&by_artist, &all) {
            return vec![Unit { bond: Bond::Folder(home, None), members: all }];
        }
        let unit = |(artist, members)| Unit { bond: Bond::Folder(home, Some(artist)), members };
        by_artist.into_iter().map(unit).collect()
    }

    /// Whether each of these artists has an album, and not all together one.
    fn are_albums(&self, by_artist: &BTreeMap<String, Vec<usize>>, all: &[usize]) -> bool {
        let most = self.most_at_one_position(all);
        // Numbers that come twice within one artist are discs without numbers.
        let within = by_artist.values().map(|members| self.most_at_one_position(members)).max().unwrap_or(0);
        // A compilation of several discs without their numbers has many artists, and each number a few times.
        let are_few = by_artist.len() > 1 && by_artist.len() <= most.saturating_mul(2);
        most > within && are_few && (all.len() == most || self.are_doubled(by_artist, all))
    }

    /// Whether half of the numbers of one of these artists, who has several, are there for another artist too.
    fn are_doubled(&self, by_artist: &BTreeMap<String, Vec<usize>>, all: &[usize]) -> bool {
        let doubled = self.doubled(all);
        by_artist.values().map(|members| self.positions(members)).any(|positions| {
            positions.len() > 1 && positions.intersection(&doubled).count().saturating_mul(2) >= positions.len()
        })
    }

    /// The tracks by their years, when numbers come twice over all years and once within each; otherwise nothing.
    fn by_year(&self, unit: &Unit) -> Vec<Vec<usize>> {
        let mut years: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for index in &unit.members {
            let Some(year) = self.tracks.get(*index).and_then(year) else { return Vec::new() };
            years.entry(year).or_default().push(*index);
        }
        let most = self.most_at_one_position(&unit.members);
        let are_editions = !matches!(unit.bond, Bond::Release(_))
            && years.len() == most
            && most > 1
            && (unit.members.len() == most || self.doubled(&unit.members).len() > 1)
            && years.values().all(|members| self.most_at_one_position(members) == 1);
        if are_editions { years.into_values().collect() } else { Vec::new() }
    }
}
