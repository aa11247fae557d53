//! A disk that is full, and one that fails, under a running service: a process of its own, since it has to end.

use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, anyhow};
use recording_vfs::{Fault, FaultKind, install};
use rpc_error::Reason;
use test_support::{PATIENCE, Refusal, Sent, history};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::judge::broken_promises;
use crate::ledger::{Entry, create};
use crate::report::Report;
use crate::system::Running;

/// How many commands are acknowledged before, and refused during, a fault.
const COMMANDS: u64 = 20;
/// What the process says when its disk has failed under it.
const DISK_FAILED: i32 = 74;

/// Where to serve.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServeOptions {
    /// The folder of the store
    folder: PathBuf,
}

/// Serves until standard input ends. Each line of it says how the disk is from then on: `well`, `full`, `write` or `sync`. The
/// address is the first line of standard output.
pub(crate) fn serve(options: &ServeOptions) -> anyhow::Result<ExitCode> {
    let disk = install();
    let runtime = tokio::runtime::Runtime::new().context("the runtime")?;
    let service = runtime.block_on(Running::start(&options.folder))?;
    let service = service.map_err(|exit| anyhow!("{exit}"))?;
    writeln!(std::io::stdout(), "{}", service.address).context("saying the address")?;
    for line in std::io::stdin().lock().lines() {
        let kind = match line.context("a line of standard input")?.as_str() {
            "full" => Some(FaultKind::Full),
            "write" => Some(FaultKind::Write),
            "sync" => Some(FaultKind::Sync),
            _ => None,
        };
        disk.set_fault(kind.map(|kind| Fault { kind, after: 0 }));
        writeln!(std::io::stdout(), "done").context("saying so")?;
    }
    runtime.block_on(service.stop())?;
    Ok(ExitCode::SUCCESS)
}

/// Tries each fault on a service of its own.
pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime")?;
    runtime.block_on(async {
        full(report).await?;
        failing("write", report).await?;
        failing("sync", report).await
    })
}

async fn full(report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut server = Server::start(folder.path()).await?;
    let mut ledger = server.acknowledged("before").await?;
    server.disk("full").await?;
    let (mut refused, mut other) = (0, 0);
    for n in 0..COMMANDS {
        match create(format!("full-{n}"), n).send(server.address).await {
            Err(status) => match Refusal::if_ours(&status) {
                Some(refusal) if refusal.reason == Reason::StoreUnavailable.as_str() => refused += 1,
                Some(_) | None => other += 1,
            },
            Ok(_) => other += 1,
        }
    }
    report.control("commands refused with STORE_UNAVAILABLE on a full disk", refused);
    report.must_be_none("commands answered otherwise on a full disk", other);
    report.must("a full disk: the history is read all the same", kept(&ledger, server.address).await?);
    server.disk("well").await?;
    ledger.extend(server.acknowledged("after").await?);
    report
        .must("with room again, commands are taken again and nothing is missing", kept(&ledger, server.address).await?);
    let (code, _) = server.end().await?;
    report.must("and it ends in good order", code == Some(0));
    Ok(())
}

async fn failing(kind: &str, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut server = Server::start(folder.path()).await?;
    let ledger = server.acknowledged("before").await?;
    server.disk(kind).await?;
    let answered = create("doomed".to_owned(), 1).send(server.address).await.is_ok();
    report.must_be_none(&format!("commands acknowledged though the {kind} failed"), usize::from(answered));
    let (code, said) = server.end().await?;
    report.must(&format!("a failed {kind} ends the process with {DISK_FAILED}"), code == Some(DISK_FAILED));
    let one_line = said.lines().filter(|line| line.starts_with("case-durability: ")).count() == 1;
    report.must(&format!("a failed {kind} is explained in one line"), one_line);
    let server = Server::start(folder.path()).await?;
    report.must(&format!("after a failed {kind} it comes back whole"), kept(&ledger, server.address).await?);
    server.end().await?;
    Ok(())
}

/// Whether everything that was acknowledged is there.
async fn kept(ledger: &[Entry], address: SocketAddr) -> anyhow::Result<bool> {
    let promised: Vec<&Entry> = ledger.iter().collect();
    Ok(broken_promises(&promised, &history(address).await?).is_empty())
}

/// `case-durability serve` as a process.
pub(crate) struct Server {
    child: Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    stdin: ChildStdin,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it on the store in a folder.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe().context("our own program")?)
            .arg("serve")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the service")?;
        let stdin = child.stdin.take().context("its standard input")?;
        let mut lines = BufReader::new(child.stdout.take().context("its standard output")?).lines();
        let first = lines.next_line().await?.ok_or_else(|| anyhow!("the service says no address"))?;
        Ok(Self { child, lines, stdin, address: first.parse().context("its address")? })
    }

    /// Says how the disk is from now on, and waits until it is so.
    async fn disk(&mut self, state: &str) -> anyhow::Result<()> {
        self.stdin.write_all(format!("{state}\n").as_bytes()).await?;
        self.lines.next_line().await?.map(|_| ()).ok_or_else(|| anyhow!("the service has ended"))
    }

    async fn acknowledged(&self, prefix: &str) -> anyhow::Result<Vec<Entry>> {
        let mut ledger = Vec::new();
        for n in 0..COMMANDS {
            let command: Sent = create(format!("{prefix}-{n}"), n);
            let answer = command.send(self.address).await.context("a command on a disk that is well")?;
            let (case_id, version, position) = (answer.case_id, answer.version, answer.position);
            ledger.push(Entry { command, case_id, version, position, sent: 0, acknowledged: 0 });
        }
        Ok(ledger)
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("killing the service")
    }

    /// Lets it end: its exit code, and what it said on standard error.
    pub(crate) async fn end(self) -> anyhow::Result<(Option<i32>, String)> {
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        let status = tokio::time::timeout(PATIENCE, child.wait()).await.context("the service does not end")??;
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut said).await?;
        }
        Ok((status.code(), said))
    }
}
