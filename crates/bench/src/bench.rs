//! What all measurements have in common: where they run, on which cores, and how often.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use crate::cli::Options;
use crate::error::Error;
use crate::load::{Closed, Fill, Open, Outcome, Place, Workload};
use crate::machine::{Cores, available_cores};
use crate::server::{Collector, Server, System, Telemetry};

/// Callers at the peak: part of the targets.
pub(crate) const PEAK_IN_FLIGHT: usize = 256;

/// Calls in flight of an open loop at most. A server that is this far behind is not going to catch up.
const OPEN_IN_FLIGHT_MAX: usize = 8_192;

/// The share of traces that is kept where telemetry is on as shipped: 1%.
pub(crate) const SHIPPED_SAMPLE_RATIO: &str = "0.01";

/// One invocation.
#[derive(Debug)]
pub(crate) struct Bench {
    /// As the command line has it.
    pub(crate) options: Options,
    /// Everything that this invocation puts on the disk.
    pub(crate) folder: PathBuf,
    /// Cores of the servers; none: any.
    pub(crate) server_cores: Option<Cores>,
    /// Where the client runs.
    pub(crate) place: Place,
    programs: PathBuf,
    /// How many folders there are so far: every server gets a new one.
    folders: Rc<Cell<u32>>,
}

/// One of several that run in turns.
pub(crate) type Rival<'a> = &'a mut dyn FnMut() -> Result<Outcome, Error>;

impl Bench {
    /// Makes the folder of this invocation.
    pub(crate) fn new(options: Options) -> Result<Self, Error> {
        let own = std::env::current_exe().map_err(Error::system("find this program"))?;
        let beside = || own.parent().map(Path::to_owned);
        let programs = options.programs.clone().or_else(beside).unwrap_or_default();
        let programs = programs.canonicalize().map_err(Error::path("find", &programs))?;
        System::must_be_built(&programs)?;
        let folder = options.data.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(Error::path("create", &folder))?;
        let folder = folder.canonicalize().map_err(Error::path("find", &folder))?;
        let apart = Cores::apart(available_cores()).filter(|_| options.pin);
        let (server_cores, client_cores) = apart.unzip();
        let place = Place {
            threads: options.threads.unwrap_or_else(|| client_threads(client_cores.as_ref())),
            cores: client_cores,
        };
        Ok(Self { options, folder, server_cores, place, programs, folders: Rc::default() })
    }

    /// The same with client and servers on cores of their own, if there is more than one.
    pub(crate) fn pinned(&self) -> Self {
        let (server_cores, client_cores) = Cores::apart(available_cores()).unzip();
        let threads = self.options.threads.unwrap_or_else(|| client_threads(client_cores.as_ref()));
        Self {
            options: self.options.clone(),
            folder: self.folder.clone(),
            server_cores,
            place: Place { threads, cores: client_cores },
            programs: self.programs.clone(),
            folders: Rc::clone(&self.folders),
        }
    }

    /// Removes stores and logs, unless they are wanted or tell of problems.
    pub(crate) fn finish(self, problems: bool) -> Result<(), Error> {
        if problems || self.options.keep {
            return Ok(());
        }
        fs::remove_dir_all(&self.folder).map_err(Error::path("remove", &self.folder))
    }

    /// A folder that nobody has used.
    pub(crate) fn new_folder(&self, name: &str) -> PathBuf {
        self.folders.set(self.folders.get() + 1);
        self.folder.join(format!("{:02}-{name}", self.folders.get()))
    }

    /// The services on a new folder.
    pub(crate) fn system(&self, name: &str, telemetry: Telemetry) -> Result<System, Error> {
        System::new(self.new_folder(name), &self.programs, self.server_cores.clone(), telemetry)
    }

    /// A collector that is well.
    pub(crate) fn collector(&self) -> Result<Server, Error> {
        Collector::start(&self.new_folder("collector"), Duration::ZERO, self.server_cores.clone())
    }

    /// Telemetry as an operator would have it: logs, metrics, 1% of traces.
    pub(crate) fn shipped(collector: &Server) -> Telemetry {
        Telemetry::On { collector: collector.address, sample_ratio: SHIPPED_SAMPLE_RATIO }
    }

    /// Callers that wait for their answers.
    pub(crate) fn closed(&self, workload: &Workload, in_flight: usize) -> Result<Outcome, Error> {
        let Options { warm_up, window, connections, .. } = self.options;
        let connections = usize::from(connections).min(in_flight);
        Closed { in_flight, connections, warm_up, window }.run(workload, &self.place)
    }

    /// Calls that begin when they are due.
    pub(crate) fn open(&self, workload: &Workload, rate: f64) -> Result<Outcome, Error> {
        self.open_for(workload, rate, self.options.window)
    }

    /// The same for another time than usual.
    pub(crate) fn open_for(&self, workload: &Workload, rate: f64, window: Duration) -> Result<Outcome, Error> {
        let Options { warm_up, connections, .. } = self.options;
        let connections = usize::from(connections);
        let open = Open { rate, in_flight_max: OPEN_IN_FLIGHT_MAX, connections, warm_up, window };
        open.run(workload, &self.place)
    }

    /// So many calls, as fast as they go.
    pub(crate) fn fill(&self, workload: &Workload, calls: u64) -> Result<Outcome, Error> {
        let fill = Fill { calls, in_flight: PEAK_IN_FLIGHT, connections: usize::from(self.options.connections) };
        fill.run(workload, &self.place)
    }

    /// Runs the rivals in turns, as often as asked for. The runs of each, in the rivals' order.
    pub(crate) fn in_turns(&self, rivals: &mut [Rival<'_>]) -> Result<Vec<Vec<Outcome>>, Error> {
        let mut runs: Vec<Vec<Outcome>> = rivals.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.options.repeats {
            for (rival, runs) in rivals.iter_mut().zip(&mut runs) {
                runs.push(rival()?);
            }
        }
        Ok(runs)
    }
}

/// A thread for each core of the client.
fn client_threads(cores: Option<&Cores>) -> usize {
    cores.map_or_else(available_cores, |cores| cores.0.len())
}
