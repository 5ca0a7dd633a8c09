//! `sqlx::migrate!` embeds the files of `migrations/`; Cargo has to be told that they matter.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
