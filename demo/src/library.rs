//! What the demo library holds: invented artists, albums and tracks. Data only; every name is made up.

use super::cover::Motif;
use super::music::styles::{classical, club, folk, night, tides, travel};
use super::music::{Piece, Style};
use super::sound::Voice;

/// An album.
#[derive(Clone, Copy, Debug)]
pub(super) struct DemoAlbum {
    pub(super) title: &'static str,
    /// The album artist.
    pub(super) artist: &'static str,
    pub(super) year: u32,
    pub(super) genre: &'static str,
    /// Whether its tracks are by various artists.
    pub(super) compilation: bool,
    /// Whether each track continues the one before without a gap.
    pub(super) continuous: bool,
    pub(super) format: Format,
    pub(super) cover: Motif,
    pub(super) tracks: &'static [DemoTrack],
}

/// How an album is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// FLAC, tags as Vorbis comments, the cover embedded.
    Flac,
    /// WAV, tags as `ID3v2` and RIFF INFO, the cover as `cover.jpg` in the same folder.
    Wav,
}

/// A track.
#[derive(Clone, Copy, Debug)]
pub(super) struct DemoTrack {
    pub(super) disc: u32,
    pub(super) number: u32,
    pub(super) title: &'static str,
    pub(super) artists: &'static [&'static str],
    pub(super) rate: u32,
    pub(super) channels: u16,
    pub(super) piece: Piece,
}

impl DemoTrack {
    /// A track of disc 1 at 44.1 kHz in stereo.
    const fn new(number: u32, title: &'static str, artists: &'static [&'static str], piece: Piece) -> Self {
        Self { disc: 1, number, title, artists, rate: 44_100, channels: 2, piece }
    }

    const fn disc(self, disc: u32) -> Self {
        Self { disc, ..self }
    }

    const fn rate(self, rate: u32) -> Self {
        Self { rate, ..self }
    }

    const fn mono(self) -> Self {
        Self { channels: 1, ..self }
    }
}

const fn piece(style: &'static Style, tempo_bpm: f64, key: i32, lead: Voice, seed: u64, length_s: f64) -> Piece {
    Piece { style, tempo_bpm, key, lead, seed, length_s }
}

const MARLOW: &[&str] = &["Marlow & the Tin Lanterns"];
const HALDEN: &[&str] = &["Halden Verge"];
const ORRERY: &[&str] = &["Orrery Ensemble"];
const TIDEWHEEL: &[&str] = &["Tidewheel"];
const TSUKIMIZAKA: &[&str] = &["月見坂クインテット"];
const MAYAK: &[&str] = &["Тихий Маяк"];
const ECLIPSE: &[&str] = &["Café Éclipsé"];
const HERON: &[&str] = &["Pixel Heron"];

/// The whole library.
pub(super) const ALBUMS: &[DemoAlbum] = &[
    DemoAlbum {
        title: "Four Tides",
        artist: "Tidewheel",
        year: 2019,
        genre: "Minimalism",
        compilation: false,
        continuous: true,
        format: Format::Flac,
        cover: Motif::Waves,
        tracks: &[
            DemoTrack::new(1, "Ebb", TIDEWHEEL, piece(&tides::EBB, 138.0, 0, Voice::Flute, 11, 52.0)),
            DemoTrack::new(2, "Slack Water", TIDEWHEEL, piece(&tides::SLACK, 138.0, 0, Voice::Clarinet, 12, 50.0)),
            DemoTrack::new(3, "Flood", TIDEWHEEL, piece(&tides::FLOOD, 138.0, 0, Voice::Strings, 13, 52.0)),
            DemoTrack::new(4, "Spring Tide", TIDEWHEEL, piece(&tides::SPRING, 138.0, 0, Voice::Flute, 14, 56.0)),
        ],
    },
    DemoAlbum {
        title: "Hedgerow Almanac",
        artist: "Marlow & the Tin Lanterns",
        year: 2016,
        genre: "Folk",
        compilation: false,
        continuous: false,
        format: Format::Flac,
        cover: Motif::Hills,
        tracks: &[
            DemoTrack::new(1, "First Frost", MARLOW, piece(&folk::FROST, 112.0, 7, Voice::Flute, 21, 62.0)),
            DemoTrack::new(
                2,
                "The Cartwright’s Jig",
                MARLOW,
                piece(&folk::JIG_DANCE, 118.0, 2, Voice::Accordion, 22, 50.0),
            ),
            DemoTrack::new(3, "Lamplighter", MARLOW, piece(&folk::LAMPLIGHT, 84.0, 9, Voice::Clarinet, 23, 66.0)),
        ],
    },
    DemoAlbum {
        title: "Signal Bloom",
        artist: "Halden Verge",
        year: 2021,
        genre: "Electronic",
        compilation: false,
        continuous: false,
        format: Format::Flac,
        cover: Motif::Rings,
        tracks: &[
            DemoTrack::new(1, "Carrier Wave", HALDEN, piece(&club::HOUSE, 122.0, 9, Voice::Lead, 31, 66.0)),
            DemoTrack::new(2, "Photon Garden", HALDEN, piece(&club::BREAKS, 172.0, 5, Voice::Lead, 32, 60.0)),
            DemoTrack::new(3, "Night Bus 49", HALDEN, piece(&club::LOFI, 82.0, 10, Voice::Glass, 33, 60.0))
                .rate(48_000),
            DemoTrack::new(4, "Afterglow", HALDEN, piece(&club::SYNTHWAVE, 104.0, 2, Voice::Lead, 34, 58.0)),
        ],
    },
    DemoAlbum {
        title: "Five Small Planets",
        artist: "Orrery Ensemble",
        year: 2012,
        genre: "Classical",
        compilation: false,
        continuous: false,
        format: Format::Flac,
        cover: Motif::Orbits,
        tracks: &[
            DemoTrack::new(
                1,
                "Prelude for a Comet",
                ORRERY,
                piece(&classical::PRELUDE_RUNNING, 92.0, 2, Voice::Flute, 41, 56.0),
            ),
            DemoTrack::new(
                2,
                "Sarabande in Dust",
                ORRERY,
                piece(&classical::SARABANDE_DUST, 66.0, 4, Voice::Strings, 42, 62.0),
            ),
            DemoTrack::new(
                3,
                "Toccata of Rings",
                ORRERY,
                piece(&classical::TOCCATA_RINGS, 104.0, 7, Voice::Organ, 43, 52.0),
            ),
            DemoTrack::new(
                1,
                "Nocturne for Two Moons",
                ORRERY,
                piece(&classical::NOCTURNE_MOONS, 72.0, 8, Voice::Piano, 44, 70.0),
            )
            .disc(2),
            DemoTrack::new(2, "Chorale", ORRERY, piece(&classical::CHORALE_VOICES, 76.0, 5, Voice::Choir, 45, 58.0))
                .disc(2),
        ],
    },
    DemoAlbum {
        title: "雨の停車場",
        artist: "月見坂クインテット",
        year: 2018,
        genre: "Jazz",
        compilation: false,
        continuous: false,
        format: Format::Flac,
        cover: Motif::Scales,
        tracks: &[
            DemoTrack::new(1, "傘の下で", TSUKIMIZAKA, piece(&travel::RAIN_STATION, 76.0, 2, Voice::Koto, 51, 60.0)),
            DemoTrack::new(
                2,
                "夏祭りの夜",
                TSUKIMIZAKA,
                piece(&travel::FESTIVAL_DRUMS, 108.0, 7, Voice::Flute, 52, 50.0),
            ),
            DemoTrack::new(3, "終電のあと", TSUKIMIZAKA, piece(&club::LOFI, 70.0, 3, Voice::Clarinet, 53, 64.0)),
        ],
    },
    DemoAlbum {
        title: "Последний трамвай",
        artist: "Тихий Маяк",
        year: 2009,
        genre: "Rock",
        compilation: false,
        continuous: false,
        format: Format::Wav,
        cover: Motif::Windows,
        tracks: &[
            DemoTrack::new(1, "Последний трамвай", MAYAK, piece(&night::LAST_TRAM, 148.0, 4, Voice::Steel, 61, 54.0)),
            DemoTrack::new(2, "Туман над рекой", MAYAK, piece(&folk::WALTZ_MINOR, 126.0, 9, Voice::Strings, 62, 52.0)),
            DemoTrack::new(3, "Ёлка и огни", MAYAK, piece(&night::SNOW_GLOBE, 108.0, 5, Voice::MusicBox, 63, 50.0)),
        ],
    },
    DemoAlbum {
        title: "L’été à l’envers",
        artist: "Café Éclipsé",
        year: 2014,
        genre: "Bossa Nova",
        compilation: false,
        continuous: false,
        format: Format::Flac,
        cover: Motif::Tiles,
        tracks: &[
            DemoTrack::new(1, "Marée haute à midi", ECLIPSE, piece(&travel::BOSSA, 126.0, 0, Voice::Flute, 71, 54.0)),
            DemoTrack::new(
                2,
                "Vélo sans freins",
                ECLIPSE,
                piece(&folk::WALTZ_MINOR, 184.0, 2, Voice::Accordion, 72, 48.0),
            )
            .mono(),
            DemoTrack::new(3, "Naïve, la forêt", ECLIPSE, piece(&travel::BOSSA, 104.0, 7, Voice::Clarinet, 73, 62.0)),
        ],
    },
    DemoAlbum {
        title: "8 Bits of Sky",
        artist: "Pixel Heron",
        year: 2020,
        genre: "Chiptune",
        compilation: false,
        continuous: false,
        format: Format::Wav,
        cover: Motif::Pixels,
        tracks: &[
            DemoTrack::new(1, "Cloud Level", HERON, piece(&club::ARCADE_SKY, 146.0, 4, Voice::Square, 81, 48.0)),
            DemoTrack::new(2, "Save Point", HERON, piece(&club::ARCADE_CAVE, 112.0, 9, Voice::Pulse, 82, 50.0)),
        ],
    },
    DemoAlbum {
        title: "Harbour Lights: A Sampler",
        artist: "Various Artists",
        year: 2022,
        genre: "World",
        compilation: true,
        continuous: false,
        format: Format::Flac,
        cover: Motif::Lanterns,
        tracks: &[
            DemoTrack::new(
                1,
                "Ξημέρωμα στο λιμάνι",
                &["Θαλασσινή Πυξίδα"],
                piece(&travel::NINE_BEATS, 132.0, 2, Voice::Steel, 91, 54.0),
            ),
            DemoTrack::new(
                2,
                "قمر على النهر",
                &["فرقة نجوم الوادي"],
                piece(&travel::NIGHT_RIVER, 94.0, 2, Voice::Oud, 92, 54.0),
            ),
            DemoTrack::new(
                3,
                "Halfway Home",
                &["Nina Vellacott", "Otto Brandvold"],
                piece(&night::SLOW_SOUL, 88.0, 0, Voice::Lead, 93, 60.0),
            ),
            DemoTrack::new(4, "Jökulljós", &["Þoka"], piece(&night::GLACIER, 58.0, 2, Voice::Flute, 94, 76.0)),
            DemoTrack::new(5, "새벽 항구", &["푸른 등대"], piece(&night::DAWN_HARP, 80.0, 10, Voice::Glass, 95, 58.0)),
            DemoTrack::new(
                6,
                "El Farero",
                &["Ñandú Azul"],
                piece(&travel::WALKING_HOME, 100.0, 5, Voice::Clarinet, 96, 52.0),
            ),
        ],
    },
];
