//! The table of who may call what, against the services and against the documents.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use case_access::RULES;
use prost::Message;
use prost_types::FileDescriptorSet;
use service_kit::access::{DIAGNOSTICS, Permission, Role};

/// Every method of the services, `package.Service/Method`.
fn methods() -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(case_api::DESCRIPTORS).unwrap();
    let services = set.file.iter().flat_map(|file| file.service.iter().map(|service| (file.package(), service)));
    let of_service = |(package, service): (&str, &prost_types::ServiceDescriptorProto)| {
        let name =
            |method: &prost_types::MethodDescriptorProto| format!("{package}.{}/{}", service.name(), method.name());
        service.method.iter().map(name).collect::<Vec<_>>()
    };
    services.flat_map(of_service).collect()
}

fn permissions() -> BTreeMap<&'static str, &'static Permission> {
    RULES.iter().map(|rule| (rule.permission.name, rule.permission)).collect()
}

#[test]
fn every_method_has_exactly_one_rule_and_every_rule_a_method() {
    let ruled: BTreeSet<String> = RULES.iter().map(|rule| rule.method.to_owned()).collect();
    assert_eq!(ruled.len(), RULES.len(), "a method has two rules");
    let mut served = methods();
    assert!(served.contains("casetracker.v1.CaseCommandService/CreateCase"), "the descriptors are read");
    // Every server has it, whether or not these descriptors do.
    served.insert(DIAGNOSTICS.method.to_owned());
    assert_eq!(ruled, served);
}

#[test]
fn a_name_stands_for_one_permission() {
    for rule in RULES {
        assert_eq!(permissions()[rule.permission.name], rule.permission, "{}", rule.method);
    }
}

#[test]
fn a_role_has_what_it_is_for_and_nothing_else() {
    let has = |role: Role| -> BTreeSet<&str> {
        permissions().values().filter(|permission| permission.roles.contains(&role)).map(|p| p.name).collect()
    };
    let commands = ["cases.assign", "cases.comment", "cases.create", "cases.edit", "cases.link", "cases.transition"];
    let working: BTreeSet<_> = commands.into_iter().chain(["cases.read", "lifecycle.read"]).collect();
    let with = |more: &'static str| working.iter().copied().chain([more]).collect::<BTreeSet<_>>();
    assert_eq!(has(Role::Viewer), BTreeSet::from(["cases.read", "lifecycle.read"]));
    assert_eq!(has(Role::Agent), working);
    assert_eq!(has(Role::Supervisor), working);
    assert_eq!(has(Role::Auditor), BTreeSet::from(["cases.read", "evidence.read", "lifecycle.read"]));
    assert_eq!(has(Role::Operator), BTreeSet::from(["diagnostics.read", "lifecycle.read"]));
    assert_eq!(has(Role::Service), with("feed.follow"));
}

/// The table of `docs/access.md`: for each permission its methods without package, and the roles with a "yes".
fn documented() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/access.md")).unwrap();
    let cells = |line: &str| -> Vec<String> { line.split('|').map(|cell| cell.trim().replace('`', "")).collect() };
    let mut table = text.lines().skip_while(|line| !line.starts_with("| permission |"));
    let head = cells(table.next().unwrap());
    let row = |line: &str| {
        let cells = cells(line);
        let methods = cells[2].split(", ").map(ToOwned::to_owned).collect();
        let roles = head.iter().zip(&cells).skip(3).filter(|(_, cell)| *cell == "yes").map(|(role, _)| role.clone());
        (cells[1].clone(), (methods, roles.collect()))
    };
    // Behind the head, the line that makes it one.
    table.skip(1).take_while(|line| line.starts_with('|')).map(row).collect()
}

#[test]
fn the_documented_table_says_what_the_code_does() {
    let mut in_code: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for rule in RULES {
        let (_, method) = rule.method.rsplit_once('.').unwrap();
        let row = in_code.entry(rule.permission.name.to_owned()).or_default();
        row.0.insert(method.to_owned());
        row.1.extend(rule.permission.roles.iter().map(|role| role.name().to_owned()));
    }
    assert_eq!(documented(), in_code);
}
