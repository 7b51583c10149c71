//! Genres that tags give as numbers.

/// The genres of `ID3v1` by number: 0 to 79 of id3.org, "`ID3v1`", the others as Winamp added them up to version 5.6. The
/// names are those in use today, where the first ones had errors or insults (133).
const GENRES: [&str; 192] = [
    "Blues",
    "Classic Rock",
    "Country",
    "Dance",
    "Disco",
    "Funk",
    "Grunge",
    "Hip-Hop",
    "Jazz",
    "Metal",
    "New Age",
    "Oldies",
    "Other",
    "Pop",
    "R&B",
    "Rap",
    "Reggae",
    "Rock",
    "Techno",
    "Industrial",
    "Alternative",
    "Ska",
    "Death Metal",
    "Pranks",
    "Soundtrack",
    "Euro-Techno",
    "Ambient",
    "Trip-Hop",
    "Vocal",
    "Jazz-Funk",
    "Fusion",
    "Trance",
    "Classical",
    "Instrumental",
    "Acid",
    "House",
    "Game",
    "Sound Clip",
    "Gospel",
    "Noise",
    "Alternative Rock",
    "Bass",
    "Soul",
    "Punk",
    "Space",
    "Meditative",
    "Instrumental Pop",
    "Instrumental Rock",
    "Ethnic",
    "Gothic",
    "Darkwave",
    "Techno-Industrial",
    "Electronic",
    "Pop-Folk",
    "Eurodance",
    "Dream",
    "Southern Rock",
    "Comedy",
    "Cult",
    "Gangsta Rap",
    "Top 40",
    "Christian Rap",
    "Pop-Funk",
    "Jungle",
    "Native American",
    "Cabaret",
    "New Wave",
    "Psychedelic",
    "Rave",
    "Showtunes",
    "Trailer",
    "Lo-Fi",
    "Tribal",
    "Acid Punk",
    "Acid Jazz",
    "Polka",
    "Retro",
    "Musical",
    "Rock & Roll",
    "Hard Rock",
    "Folk",
    "Folk Rock",
    "National Folk",
    "Swing",
    "Fast Fusion",
    "Bebop",
    "Latin",
    "Revival",
    "Celtic",
    "Bluegrass",
    "Avant-Garde",
    "Gothic Rock",
    "Progressive Rock",
    "Psychedelic Rock",
    "Symphonic Rock",
    "Slow Rock",
    "Big Band",
    "Chorus",
    "Easy Listening",
    "Acoustic",
    "Humour",
    "Speech",
    "Chanson",
    "Opera",
    "Chamber Music",
    "Sonata",
    "Symphony",
    "Booty Bass",
    "Primus",
    "Porn Groove",
    "Satire",
    "Slow Jam",
    "Club",
    "Tango",
    "Samba",
    "Folklore",
    "Ballad",
    "Power Ballad",
    "Rhythmic Soul",
    "Freestyle",
    "Duet",
    "Punk Rock",
    "Drum Solo",
    "A Cappella",
    "Euro House",
    "Dancehall",
    "Goa",
    "Drum & Bass",
    "Club-House",
    "Hardcore Techno",
    "Terror",
    "Indie",
    "Britpop",
    "Afro-Punk",
    "Polsk Punk",
    "Beat",
    "Christian Gangsta Rap",
    "Heavy Metal",
    "Black Metal",
    "Crossover",
    "Contemporary Christian",
    "Christian Rock",
    "Merengue",
    "Salsa",
    "Thrash Metal",
    "Anime",
    "J-Pop",
    "Synthpop",
    "Abstract",
    "Art Rock",
    "Baroque",
    "Bhangra",
    "Big Beat",
    "Breakbeat",
    "Chillout",
    "Downtempo",
    "Dub",
    "EBM",
    "Eclectic",
    "Electro",
    "Electroclash",
    "Emo",
    "Experimental",
    "Garage",
    "Global",
    "IDM",
    "Illbient",
    "Industro-Goth",
    "Jam Band",
    "Krautrock",
    "Leftfield",
    "Lounge",
    "Math Rock",
    "New Romantic",
    "Nu-Breakz",
    "Post-Punk",
    "Post-Rock",
    "Psytrance",
    "Shoegaze",
    "Space Rock",
    "Trop Rock",
    "World Music",
    "Neoclassical",
    "Audiobook",
    "Audio Theatre",
    "Neue Deutsche Welle",
    "Podcast",
    "Indie Rock",
    "G-Funk",
    "Dubstep",
    "Garage Rock",
    "Psybient",
];

/// The genre with this number.
pub(super) fn numbered(number: usize) -> Option<&'static str> {
    GENRES.get(number).copied()
}

/// The genres of a text in a `TCON` frame: names, numbers (`17`), numbers in parentheses with or without a name behind
/// them (`(17)`, `(17)Rock`), `RX` for remixes and `CR` for covers (id3.org, "ID3v2.3.0", 4.2.1, and "ID3v2.4.0 frames",
/// 4.2.3). Numbers up to 255 without a genre, which one byte of `ID3v1` may have, are left out.
pub(super) fn of_frame(text: &str) -> Vec<String> {
    let mut genres = Vec::new();
    let mut rest = text.trim();
    // Two opening parentheses are a name that begins with one.
    while let Some((inner, behind)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
        if !is_unknown(inner) {
            let Some(genre) = code(inner) else { break };
            genres.push(genre.to_owned());
        }
        rest = behind.trim_start_matches([' ', ';', ',', '/']);
    }
    let rest = rest.strip_prefix('(').filter(|rest| rest.starts_with('(')).unwrap_or(rest);
    let name = if is_unknown(rest) { "" } else { code(rest).unwrap_or(rest) };
    if !name.is_empty() && !genres.iter().any(|genre| genre.eq_ignore_ascii_case(name)) {
        genres.push(name.to_owned());
    }
    genres
}

/// Whether the text is a number of one byte that has no genre.
fn is_unknown(text: &str) -> bool {
    let number = text.parse().ok().filter(|number: &u8| text == number.to_string());
    number.is_some_and(|number| numbered(number.into()).is_none())
}

fn code(text: &str) -> Option<&'static str> {
    match text {
        "RX" => Some("Remix"),
        "CR" => Some("Cover"),
        _ if text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit()) => numbered(text.parse().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_names_of_today() {
        let names: Vec<_> = [0, 17, 40, 84, 85, 125, 133, 147, 191, 192].into_iter().map(numbered).collect();
        let expected = ["Blues", "Rock", "Alternative Rock", "Fast Fusion", "Bebop", "Dancehall", "Afro-Punk"];
        let expected = expected.into_iter().chain(["Synthpop", "Psybient"]).map(Some).chain([None]);
        assert_eq!(names, expected.collect::<Vec<_>>());
    }

    #[test]
    fn the_forms_of_both_versions_are_read() {
        let cases: [(&str, &[&str]); 17] = [
            ("17", &["Rock"]),
            ("(17)", &["Rock"]),
            ("(17)Rock", &["Rock"]),
            ("(17); Pop", &["Rock", "Pop"]),
            ("(4)Eurodisco", &["Disco", "Eurodisco"]),
            ("(51)(39)", &["Techno-Industrial", "Noise"]),
            ("(RX)(CR)", &["Remix", "Cover"]),
            ("((Free) Jazz", &["(Free) Jazz"]),
            ("(Free) Jazz", &["(Free) Jazz"]),
            ("1979", &["1979"]),
            ("(999)", &["(999)"]),
            ("(255)", &[]),
            ("192", &[]),
            ("(192)Rock", &["Rock"]),
            ("256", &["256"]),
            ("Rock/Pop", &["Rock/Pop"]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(of_frame(text), expected, "{text:?}");
        }
    }
}
