//! What the fuzz targets call: the driver of the core's own tests of attacks (`tests/it/hostile`).

#[path = "../tests/it/hostile/mod.rs"]
mod hostile;

/// Decodes arbitrary bytes as a frame, which is accepted or refused. Panics when a rule is broken.
pub fn read(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        hostile::read(text);
    }
}

/// Carries out a script on a session, one action a line. Panics when a rule is broken.
pub fn attack(bytes: &[u8]) {
    if let Ok(lines) = std::str::from_utf8(bytes) {
        hostile::attack(lines);
    }
}
