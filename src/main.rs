//! The `segue` program; its code is in the library.

fn main() -> std::process::ExitCode {
    segue::cli::main()
}
