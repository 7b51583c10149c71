//! Object storage: buckets of an S3-compatible service. See README.md.

mod client;
mod error;
mod keys;
mod options;
mod reader;
mod source;
mod upload;
mod whole;
mod worker;

pub use client::{Attempts, ListedObject, ObjectBytes, ObjectHead, Storage, Traffic};
pub use error::{StorageError, StorageFailure};
pub use options::StorageOptions;
pub use reader::ObjectReader;
pub use source::StoredObject;
pub use upload::NewObject;
