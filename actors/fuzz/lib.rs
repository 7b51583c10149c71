//! What the fuzz targets let happen: the driver of the core's own tests of attacks (`tests/it/hostile`).

#[path = "../tests/it/hostile/mod.rs"]
mod hostile;

/// A frame of arbitrary bytes is read or refused. Panics when a rule is broken.
pub fn read(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        hostile::read(text);
    }
}

/// Whatever the lines say happens to a session. Panics when a rule is broken.
pub fn attack(bytes: &[u8]) {
    if let Ok(lines) = std::str::from_utf8(bytes) {
        hostile::attack(lines);
    }
}
