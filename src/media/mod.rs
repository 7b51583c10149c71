//! Audio bytes: what they are called, which of them a request asks for, and how they are read. No HTTP here.

pub mod content_type;
pub mod digest;
pub mod file;
pub mod multipart;
pub mod precondition;
pub mod range;
pub mod version;
