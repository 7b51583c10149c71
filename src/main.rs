//! Segue: a self-hosted music server whose heart is real-time playback sync.

fn main() {}
