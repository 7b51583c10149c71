//! Which files and folders a scan looks at, by their names. Pure.

use std::{ffi::OsStr, path::Path};

/// Extensions of files that are opened: those that `lofty` reads, and those of other audio files, which are then
/// recorded as unreadable.
const AUDIO: &[&str] = &[
    "mp3", "mp2", "mp1", "flac", "ogg", "oga", "opus", "spx", "m4a", "m4b", "m4p", "mp4", "aac", "alac", "wav", "wave",
    "aif", "aiff", "aifc", "ape", "mpc", "mp+", "mpp", "wv", "wma", "asf", "dsf", "dff", "tta", "tak", "ofr", "ofs",
    "ac3", "eac3", "3g2", "oggflac", "webm", "m1a", "m2a", "mpa", "adts", "latm", "loas", "m4r", "f4a", "3ga", "mka",
    "weba", "caf", "au", "snd", "w64", "rf64", "bwf", "amr", "awb", "ra", "rm", "rma", "ec3", "ac4", "dts", "dtshd",
    "dtsma", "thd", "truehd", "mlp", "aa", "aax", "aa3", "oma", "at3", "at9", "shn", "la", "vqf", "voc", "8svx", "iff",
    "sf", "ircam", "nist", "sph", "avr", "paf", "gsm", "adx", "aptx", "aptxhd", "g722", "sbc", "msbc", "xwma", "hca",
    "mod", "xm", "s3m", "it", "mptm", "nsf", "spc", "vgm", "vgz", "gbs", "mid", "midi",
];
/// File names of folder covers without extension, in order of preference.
const COVERS: [&str; 5] = ["cover", "folder", "front", "album", "albumart"];
/// Extensions of folder covers.
const PICTURES: [&str; 5] = ["jpg", "jpeg", "png", "webp", "avif"];
/// Folders that operating systems and network storage use for their own files and for deleted ones, in any letter case.
const SYSTEM_FOLDERS: [&str; 14] = [
    "@eaDir",
    "#recycle",
    "@Recycle",
    "$RECYCLE.BIN",
    "#snapshot",
    "@Recently-Snapshot",
    "@sharebin",
    "~snapshot",
    "System Volume Information",
    "lost+found",
    "Network Trash Folder",
    "Temporary Items",
    "TheVolumeSettingsFolder",
    "@Transcode",
];
/// Recycle bins of old Windows; albums may have these names in other letter case.
const OLD_BINS: [&str; 2] = ["RECYCLER", "RECYCLED"];
/// Starts of names, in lower case, of hidden folders that never have music: bins, older versions, files of other programs.
const NEVER_MUSIC: [&str; 14] = [
    ".trash",
    ".recycle",
    ".stversions",
    ".stfolder",
    ".sync",
    ".snapshot",
    ".zfs",
    ".appledouble",
    ".spotlight-v100",
    ".fseventsd",
    ".documentrevisions-v100",
    ".temporaryitems",
    ".@__",
    ".git",
];
/// A file with this name in a folder leaves out the folder and all below it.
pub(super) const NO_MEDIA: &str = ".nomedia";
/// The same, if it has no patterns.
pub(super) const IGNORE: &str = ".ndignore";

/// Whether nothing with this name in a music folder is looked at. `hidden` is whether hidden files and folders count.
///
/// Hidden are names that begin with one dot, unless a blank or a digit follows, as in `.38 Special`; `...And Justice for
/// All` is not hidden. `._x.mp3` is a file that macOS writes beside `x.mp3`.
pub(super) fn is_left_out(name: &OsStr, hidden: bool) -> bool {
    let bytes = name.as_encoded_bytes();
    let is_hidden = match bytes {
        [b'.', b'_', ..] => return true,
        [b'.', next, ..] => !matches!(next, b'.' | b' ' | b'0'..=b'9'),
        _ => false,
    };
    if is_hidden {
        return !hidden || {
            let lower = bytes.to_ascii_lowercase();
            NEVER_MUSIC.iter().any(|start| lower.starts_with(start.as_bytes()))
        };
    }
    OLD_BINS.iter().any(|bin| name == *bin) || SYSTEM_FOLDERS.iter().any(|system| name.eq_ignore_ascii_case(system))
}

/// Whether a file with this name leaves out its folder, at least if it has no patterns.
pub(super) fn is_mark(name: &OsStr) -> bool {
    name == NO_MEDIA || name == IGNORE
}

/// Whether an `.ndignore` with this text leaves out its whole folder: it has no patterns, or one that all names match.
pub(super) fn ignores_all(text: &str) -> bool {
    // Editors may begin a text with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let mut patterns = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    patterns.peek().is_none() || patterns.any(|pattern| matches!(pattern.trim_matches('/'), "*" | "**" | "**/*"))
}

/// Whether the name is that of an audio file.
pub(super) fn is_audio(name: &OsStr) -> bool {
    ending(name).is_some_and(|ending| AUDIO.contains(&ending.as_str()))
}

/// The place of the name among those of covers, the best first; `None` for other names.
pub(super) fn cover_rank(name: &OsStr) -> Option<usize> {
    let ending = ending(name)?;
    let stem = Path::new(name).file_stem()?.to_str()?.to_lowercase();
    let rank = COVERS.iter().position(|cover| *cover == stem)?;
    PICTURES.contains(&ending.as_str()).then_some(rank)
}

fn ending(name: &OsStr) -> Option<String> {
    Path::new(name).extension()?.to_str().map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_music_and_one_dot_before_a_letter_is_hidden() {
        let is_out = |name: &str, hidden| is_left_out(OsStr::new(name), hidden);
        for music in [
            "...And Justice for All",
            ".38 Special",
            ".5 The Gray Chapter",
            "...Baby One More Time.flac",
            "..",
            "..x",
            ". . .",
            "Album.",
            "M.I.K.E.",
            "Recycled",
            "#1",
            "@",
        ] {
            assert!(!is_out(music, false) && !is_out(music, true), "{music}");
        }
        for bin in [
            "._a.mp3",
            ".Trash-1000",
            ".Trashes",
            ".stversions",
            ".git",
            "#recycle",
            "#Recycle",
            "@Recycle",
            "$Recycle.Bin",
            "RECYCLER",
            "@eaDir",
            "System Volume Information",
        ] {
            assert!(is_out(bin, false) && is_out(bin, true), "{bin}");
        }
        for hidden in [".hack", ".hidden.mp3", ".ä"] {
            assert!(is_out(hidden, false) && !is_out(hidden, true), "{hidden}");
        }
    }

    #[test]
    fn an_ignore_file_without_patterns_leaves_out_all() {
        for all in ["", "\n  \n", "# nothing here\n", "\u{feff}", "\u{feff}# nothing\n", "*", "/**/\n"] {
            assert!(ignores_all(all), "{all:?}");
        }
        assert!(!ignores_all("*.wav\n"));
        assert!(!ignores_all("# podcasts\npodcasts/*\n"));
    }
}
