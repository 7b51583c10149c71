//! Arbitrary frames, accepted or refused by the decoder.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| segue_fuzz::read(bytes));
