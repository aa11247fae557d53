//! Compiles the standard health protocol (ours has `List`, which the generated code of tonic-health lacks) and our own
//! diagnostics protocol, and notes which compiler builds.

use std::path::PathBuf;
use std::process::Command;
use std::{env, error, fs};

use prost::Message;

const DIAGNOSTICS: &str = "casetracker/admin/v1/diagnostics.proto";

fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let health = protox::compile(["grpc/health/v1/health.proto"], ["proto"])?;
    fs::write(out.join("health_descriptor.bin"), health.encode_to_vec())?;
    tonic_prost_build::configure().build_client(false).compile_fds(health)?;

    let protos = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", protos.join(DIAGNOSTICS).display());
    let diagnostics = protox::compile([DIAGNOSTICS], [&protos])?;
    fs::write(out.join("diagnostics_descriptor.bin"), diagnostics.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(diagnostics)?;

    println!("cargo::rustc-env=SERVICE_KIT_RUSTC_VERSION={}", rustc_version());
    Ok(())
}

/// As `rustc --version` says it; empty if it does not: a build does not fail for that.
fn rustc_version() -> String {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let said = Command::new(rustc).arg("--version").output().ok().filter(|said| said.status.success());
    said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).unwrap_or_default()
}
