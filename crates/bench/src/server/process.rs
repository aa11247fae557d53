//! One process.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::running;
use crate::error::Error;
use crate::machine::Cores;

/// How long a server may take until it serves: it may have a million cases to read.
const START_MAX: Duration = Duration::from_mins(5);

/// How long a server may take to end.
const STOP_MAX: Duration = Duration::from_mins(1);

/// How often it is asked whether it serves, or has ended.
const ASK_EVERY: Duration = Duration::from_millis(2);

/// What to start.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// What messages call it.
    pub(crate) name: String,
    /// The program.
    pub(crate) program: PathBuf,
    /// Its command line.
    pub(crate) arguments: Vec<String>,
    /// All of its environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Its working directory; its log is written beside it.
    pub(crate) folder: PathBuf,
    /// Where it will listen.
    pub(crate) address: SocketAddr,
    /// Cores that it keeps to; none: any.
    pub(crate) cores: Option<Cores>,
}

/// A running server. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the process until it served.
    pub(crate) started_in: Duration,
    name: String,
    log: PathBuf,
    child: Child,
}

impl Start {
    /// Starts the process, and waits until `is_up` says so of its address.
    pub(crate) fn until(self, is_up: impl Fn(SocketAddr) -> bool) -> Result<Server, Error> {
        let begun = Instant::now();
        let log = self.folder.join(format!("{}.log", self.name));
        let child = self.spawn(&log)?;
        running::add(child.id());
        let Self { name, address, .. } = self;
        let mut server = Server { address, started_in: Duration::ZERO, name, log, child };
        loop {
            if is_up(address) {
                server.started_in = begun.elapsed();
                return Ok(server);
            }
            server.must_run()?;
            if begun.elapsed() > START_MAX {
                return Err(server.failed("does not serve"));
            }
            thread::sleep(ASK_EVERY);
        }
    }

    /// A process inherits the cores of the thread that starts it, so a thread of its own starts it.
    fn spawn(&self, log: &Path) -> Result<Child, Error> {
        let spawn = || {
            self.cores.as_ref().map_or(Ok(()), Cores::keep)?;
            let file = File::options().create(true).append(true).open(log).map_err(Error::path("write", log))?;
            let errors = file.try_clone().map_err(Error::path("write", log))?;
            Command::new(&self.program)
                .args(&self.arguments)
                .env_clear()
                .envs(self.environment.iter().map(|(key, value)| (key, value)))
                .current_dir(&self.folder)
                .stdin(Stdio::null())
                .stdout(file)
                .stderr(errors)
                .spawn()
                .map_err(Error::path("start", &self.program))
        };
        let spawned = thread::scope(|scope| scope.spawn(spawn).join());
        spawned.map_err(|_| Error::Unmeasurable("a bug: the thread that starts servers panicked".to_owned()))?
    }
}

impl Server {
    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// An error if it has ended.
    pub(crate) fn must_run(&mut self) -> Result<(), Error> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.failed(&format!("ended by itself ({status})"))),
            Err(error) => Err(Error::system(format!("watch {}", self.name))(error)),
        }
    }

    /// Tells it to stop, and waits for its end. It must end well.
    pub(crate) fn stop(mut self) -> Result<(), Error> {
        self.must_run()?;
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let Some(id) = id else { return Err(self.failed("has no process id")) };
        let signalled = kill_process(id, Signal::TERM);
        signalled.map_err(|error| Error::system(format!("stop {}", self.name))(error.into()))?;
        let begun = Instant::now();
        loop {
            match self.child.try_wait().map_err(Error::system(format!("wait for {}", self.name)))? {
                Some(_) => return Ok(()),
                None if begun.elapsed() > STOP_MAX => return Err(self.failed("does not stop")),
                None => thread::sleep(ASK_EVERY),
            }
        }
    }

    fn failed(&self, what: &str) -> Error {
        Error::Server { name: self.name.clone(), what: what.to_owned(), log: self.log.display().to_string() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        // Before its id may become somebody else's.
        running::remove(self.child.id());
        let _ = self.child.wait();
    }
}

/// An address of this machine that nobody listens on. The port is free until somebody takes it: servers that log nothing
/// cannot say which one they took themselves.
pub(crate) fn free_address() -> Result<SocketAddr, Error> {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    taken.map_err(Error::system("find a free port"))
}
