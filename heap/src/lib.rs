//! Gives free memory of the process back to the system.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::ffi::c_int;

    unsafe extern "C" {
        /// `malloc_trim(3)`.
        pub(super) safe fn malloc_trim(pad: usize) -> c_int;
    }
}

/// Gives all free memory back, after work that needed much of it. Takes some milliseconds, in which other threads may wait
/// for memory. Does nothing where the C library is not glibc.
pub fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::malloc_trim(0);
}
