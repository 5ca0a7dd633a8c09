//! A PostgreSQL of a test's own: made by `initdb` once, copied for each test, fsync on, reached by a socket in its folder,
//! ended with the test by its own process id. The server refuses to be root, so for root it runs as `postgres`.
#![allow(dead_code)] // each test binary uses a part

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server with an empty database; it runs unless it was stopped.
#[derive(Debug)]
pub struct Server {
    folder: TempDir,
    child: Child,
}

impl Server {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("sg-pg-").tempdir_in("/tmp").unwrap();
        let data = folder.path().join("data");
        run(Command::new("cp").arg("-a").arg(template()).arg(&data));
        let socket = folder.path();
        own(socket);
        let child = spawn(folder.path());
        let server = Self { folder, child };
        server.wait();
        server
    }

    /// Ends it at once, as a crash does (SIGQUIT), or having told its clients to leave (SIGINT), and waits until it is gone.
    /// <https://www.postgresql.org/docs/15/server-shutdown.html>
    pub fn stop(&mut self, signal: &str) {
        run(Command::new("kill").args([signal, &self.child.id().to_string()]));
        self.child.wait().unwrap();
        // After a crash the socket stays; a server that starts takes it over, and nobody is to think that it is there.
        let _ = std::fs::remove_file(self.folder.path().join(".s.PGSQL.5432"));
    }

    /// Every process of it stands still, as on a machine that hangs: connections stay open, and nobody answers.
    pub fn freeze(&self) {
        self.signal_all("-STOP");
    }

    /// It goes on.
    pub fn thaw(&self) {
        self.signal_all("-CONT");
    }

    /// The first process and those it made, which are as many as there are connections, and some.
    fn signal_all(&self, signal: &str) {
        let parent = self.child.id().to_string();
        let is_ours =
            |stat: &str| stat.rsplit(')').next().and_then(|rest| rest.split(' ').nth(2)) == Some(parent.as_str());
        let processes =
            std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
        let children = processes
            .filter(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| is_ours(&stat)))
            .filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit()));
        for pid in std::iter::once(parent.clone()).chain(children) {
            let _ = Command::new("kill").args([signal, &pid]).status(); // one may have ended meanwhile
        }
    }

    /// Starts it again on the same data.
    pub fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.folder.path().join("data/postmaster.pid"));
        self.child = spawn(self.folder.path());
        self.wait();
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.answers() {
            let log = || std::fs::read_to_string(self.folder.path().join("log"));
            assert!(Instant::now() < until, "PostgreSQL does not start: {:?}", log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The database's address.
    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.path().display())
    }

    /// The eighth line of its pid file says so, <https://doxygen.postgresql.org/pidfile_8h.html>
    fn answers(&self) -> bool {
        let told = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap_or_default();
        told.lines().nth(7).is_some_and(|state| state.trim() == "ready")
    }
}

fn spawn(folder: &Path) -> Child {
    let mut command = as_postgres(&program("postgres"));
    command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    command.args(["-c", "listen_addresses=", "-c", "shared_buffers=16MB"]);
    let log = std::fs::File::create(folder.join("log")).unwrap();
    command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.thaw();
            let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
            let _ = self.child.wait();
        }
    }
}

/// Debian keeps the server's programs out of the way.
fn program(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}

/// An empty cluster, made once and shared by all tests.
fn template() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let done = place.join("postgres-template");
    if done.exists() {
        return done;
    }
    let lock = std::fs::File::create(place.join("postgres-template.lock")).unwrap();
    lock.lock().unwrap();
    if !done.exists() {
        let new = tempfile::Builder::new().prefix("sg-pg-").tempdir_in("/tmp").unwrap();
        own(new.path());
        let data = new.path().join("data");
        let mut initdb = as_postgres(&program("initdb"));
        run(initdb.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]));
        let half = place.join("postgres-template.half");
        run(Command::new("cp").arg("-a").arg(&data).arg(&half));
        std::fs::rename(half, &done).unwrap();
    }
    done
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

fn own(folder: &Path) {
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(folder));
    }
}

/// Ends with this test, however the test ends.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if is_root() {
        command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
