//! What can be typed.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A self-hosted video platform in one binary: hold the token, watch the video.
///
/// The origin takes uploads, encodes them and decides who may watch. The edge
/// serves HLS and DASH from memory and checks playback tokens by itself.
///
/// To see it work:            streamgate demo
/// To run it on one machine:  streamgate serve --config streamgate.toml
/// To run the halves apart:   streamgate origin ..., and streamgate edge ...
///                            wherever viewers are
#[derive(Debug, Parser)]
#[command(name = "streamgate", version, verbatim_doc_comment, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

// Lines of at most 78 columns: they are shown as they stand.
const AFTER_HELP: &str = "\
Configuration: a TOML file; an empty one is valid, and
`streamgate check-config --sample` prints all keys with their defaults.
STREAMGATE_SECTION__KEY in the environment wins over the file
(STREAMGATE_EDGE__SHARDS=2).
Logs go to standard error; STREAMGATE_LOG=debug (or a filter such as
edge=debug,info) shows more.
SIGTERM and Ctrl-C drain: answers under way are finished, an encoding job
goes on after the next start.
SIGHUP reads the configuration again; what only a restart can change is named
in the log.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ingest a video (or a test clip made here), show the way it takes, and play it through the edge
    Demo(Demo),
    /// Run origin and edge in one process
    Serve(ConfigFile),
    /// Run the origin: uploads, encoding, catalogue, gate; or some of its roles
    Origin(Origin),
    /// Take jobs off the queue of an origin on another machine: the roles transcoder and worker
    Worker(ConfigFile),
    /// Run an edge: the cache in front of any HTTP origin
    Edge(ConfigFile),
    /// Check a configuration file and print what it resolves to
    CheckConfig(CheckConfig),
    /// End what an edge keeps: by URL, prefix, tag, group, or all of it
    Purge(Purge),
    /// Show what a running edge does: its shards, and what is asked for most
    Top(Top),
    /// Make, read and check playback tokens with the keys of a data folder
    Token(Token),
    /// Move media objects between the data folder and an S3
    Storage(Storage),
    /// Copy catalogue, media objects and keys to a folder, while the origin runs or not
    Backup(Backup),
    /// Bring a backup into an empty data folder, and an empty database and S3 if they are configured
    Restore(Restore),
    /// Print the version and what this build can do
    Version,
}

#[derive(Debug, Args)]
pub struct ConfigFile {
    /// Configuration file (TOML); without it every key has its default
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Origin {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Which roles run here: all, or some of gateway, upload, transcoder, streaming, metadata, cache, auth, worker, monitor;
    /// wins over roles.run
    #[arg(long, value_name = "ROLES")]
    pub roles: Option<origin::Roles>,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Video to ingest; without it a 12 s test clip is made (moving picture, burnt-in time, a beep a second)
    pub file: Option<PathBuf>,
    /// Where the demo keeps its catalogue, objects and keys
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    pub data: PathBuf,
    /// Port of the edge on 127.0.0.1; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub edge_port: u16,
    /// Port of the origin on 127.0.0.1; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 9090)]
    pub origin_port: u16,
    /// Exit once everything is published and has been fetched through the edge (0: all right)
    #[arg(long)]
    pub once: bool,
    /// Print one line of JSON with all URLs on standard output when everything is published
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true)))]
pub struct Purge {
    /// One URL or path with its query, in every variant
    #[arg(long, group = "what", value_name = "URL")]
    pub url: Option<String>,
    /// Everything whose path begins so, e.g. /v/ID/ for a title
    #[arg(long, group = "what", value_name = "PATH")]
    pub prefix: Option<String>,
    /// Everything with this cache tag (Surrogate-Key), e.g. asset-ID
    #[arg(long, group = "what", value_name = "TAG")]
    pub tag: Option<String>,
    /// Everything in this cache group (Cache-Groups)
    #[arg(long, group = "what", value_name = "GROUP")]
    pub group: Option<String>,
    /// Everything
    #[arg(long, group = "what")]
    pub all: bool,
    /// Do not end it: ask the origin whether it has changed before it is used again
    #[arg(long)]
    pub soft: bool,
    /// Admin address of the edge; by default the one of the configuration
    #[arg(long, value_name = "HOST:PORT")]
    pub edge: Option<String>,
    /// Configuration file (TOML) whose edge.admin is asked
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Top {
    /// Show one second and end, without moving the cursor
    #[arg(long)]
    pub once: bool,
    /// Admin address of the edge; by default the one of the configuration
    #[arg(long, value_name = "HOST:PORT")]
    pub edge: Option<String>,
    /// Configuration file (TOML) whose edge.admin is asked
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CheckConfig {
    /// Configuration file (TOML)
    #[arg(required_unless_present_any = ["sample", "config"])]
    pub file: Option<PathBuf>,
    /// The same, as the commands that run are given it
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub config: Option<PathBuf>,
    /// Print a file with every key, its default and its meaning
    #[arg(long)]
    pub sample: bool,
}

#[derive(Debug, Args)]
pub struct Storage {
    #[command(subcommand)]
    pub command: StorageCommand,
}

#[derive(Debug, Subcommand)]
pub enum StorageCommand {
    /// Copy all media objects from the data folder to the S3 of the configuration, or back
    ///
    /// What is there already is not copied again, so a copy that was cut off goes
    /// on where it was. Each object is compared with its name, the SHA-256 of its
    /// bytes, on the way. Nothing is removed, and the origin may run: copy first,
    /// then stop it, copy once more (that takes seconds), and start it with the
    /// other configuration:
    ///
    ///   1. write storage.objects = "s3://bucket/prefix" and storage.s3_...
    ///      into a second file, s3.toml
    ///   2. streamgate storage migrate --to s3 --config s3.toml
    ///      (the origin goes on with the old file)
    ///   3. stop the origin; run 2 again
    ///   4. start the origin with --config s3.toml; once all is well, remove
    ///      DATA/objects
    ///
    /// The way back is the same with --to files, and a start without
    /// storage.objects.
    #[command(verbatim_doc_comment)]
    Migrate {
        /// Where the objects are to go
        #[arg(long, value_name = "PLACE")]
        to: ObjectsPlace,
        /// Afterwards read all that is there again and compare it with its names
        #[arg(long)]
        verify: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
}

/// A place of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ObjectsPlace {
    /// The data folder
    Files,
    /// The S3 of storage.objects
    S3,
}

/// Copies catalogue, media objects and keys to a folder.
///
/// The origin may run. The folder then has:
///
///   catalogue.jsonl   all rows as they were at one moment, a line each; the
///                     same from SQLite and PostgreSQL
///   objects/          the media objects that they name, compared with their
///                     names on the way
///   keys/             API, edge and token keys: whoever has them is the
///                     origin, so keep the folder as safe as DATA
///
/// A folder that holds an earlier backup gets what is new; its rows are
/// replaced at the very end. Uploads under way are not in it. A backup of
/// SQLite may be restored into PostgreSQL, and one of files into an S3: so one
/// moves between them.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Backup {
    /// Folder to write to; made if it is missing
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    #[command(flatten)]
    pub config: ConfigFile,
}

/// Brings a backup into an empty data folder, and an empty database and S3 if they are configured.
///
/// The origin must not run. Objects first, each compared with its name, then
/// all rows in one transaction; keys that are there already stay. One that was
/// cut off can be repeated. Afterwards start the origin with the same
/// configuration.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Restore {
    /// Folder that `streamgate backup` wrote
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    #[command(flatten)]
    pub config: ConfigFile,
}

#[derive(Debug, Args)]
pub struct Token {
    #[command(subcommand)]
    pub command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token for one title
    Mint {
        /// Title that the token opens
        asset: String,
        /// Seconds until it expires
        #[arg(long, default_value_t = 1800)]
        ttl: u64,
        /// Whom it is for (the `sub` claim), such as a wallet address
        #[arg(long, default_value = "")]
        subject: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Print the verification keys, one a line, in the form that an edge's `[gate] keys` takes
    Key(ConfigFile),
    /// Print the claims of a token and whether it would be let through
    Inspect {
        /// The token
        token: String,
        /// Path that it should open, such as /v/abc/master.m3u8
        #[arg(long)]
        path: Option<String>,
        #[command(flatten)]
        config: ConfigFile,
    },
}
