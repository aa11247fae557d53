//! What is fixed about the shape of the repository.

use std::collections::BTreeSet;
use std::fs;

use crate::{packages, root};

/// What lies at the top, beside the files of tools.
const TOP: [&str; 11] = [
    ".ci",
    "ARCHITECTURE.md",
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "crates",
    "deploy",
    "docker-compose.yml",
    "docs",
    "proto",
    "services",
];

/// The libraries that carry everything else.
const SPINE: [&str; 10] = [
    "config",
    "opentelemetry-otlp",
    "prost",
    "serde",
    "tokio",
    "tonic",
    "tonic-health",
    "tower",
    "tracing",
    "tracing-opentelemetry",
];

#[test]
fn what_must_lie_at_the_top_lies_there_and_every_crate_below_it() {
    let missing: Vec<_> = TOP.iter().filter(|name| !root().join(name).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(workspace.contains("\nmembers = [\"crates/*\", \"services/*\"]\n"), "{workspace}");
}

/// The dependencies of a package that its own code has, and not only its tests.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    let section = manifest.split("\n[").find_map(|section| section.strip_prefix("dependencies]")).unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| !name.is_empty() && !name.starts_with('#')).collect()
}

#[test]
fn the_spine_carries_the_programs() {
    let manifests: Vec<String> =
        packages().iter().map(|package| fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap()).collect();
    let used: BTreeSet<&str> = manifests.iter().flat_map(|manifest| dependencies(manifest)).collect();
    let unused: Vec<_> = SPINE.iter().filter(|name| !used.contains(**name)).collect();
    assert!(unused.is_empty(), "no crate is built on {unused:?}");
}

#[test]
fn the_check_of_the_spine_notices_what_only_tests_use() {
    let manifest = "[package]\nname = \"a\"\n\n[dependencies]\n# Why.\ntokio.workspace = true\nprost = \"1\"\n\n[dev-dependencies]\ntonic.workspace = true\n";
    assert_eq!(dependencies(manifest), ["prost", "tokio"].into());
}

#[test]
fn what_is_deliberately_absent_is_said() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, section) = text.split_once("\n## Deliberately absent\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    for absent in ["gRPC-web and CORS", "tenancy and row-level rights"] {
        let words: Vec<_> = section.split_whitespace().collect();
        assert!(words.join(" ").contains(absent), "{absent}");
    }
}
