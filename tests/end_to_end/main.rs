//! The program as its users meet it: started as a process, spoken to over HTTP, killed, started again. Each file is one
//! promise. Media is made by FFmpeg here and now; nothing is downloaded.

mod alone;
mod bad_days;
mod bad_input;
mod command_line;
mod demo;
mod edge;
mod encrypted;
mod feed;
mod jobs;
mod kill;
mod large_upload;
mod media;
mod migrate;
mod parts;
mod program;
mod read_back;
mod reload;
mod roles_apart;
mod shared_job;
mod support;
mod upgrade;
mod worker_killed;
mod worker_told;
mod workers;
