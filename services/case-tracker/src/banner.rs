//! The first lines on the terminal.

use service_kit::settings::Settings;

/// What runs where, and what to try next.
pub fn banner(settings: &Settings) -> String {
    let (command, query, audit) = (settings.command.listen, settings.query.listen, settings.audit.listen);
    let insecure = "-plaintext -H x-actor-id:amira";
    format!(
        "case-tracker {version} keeps its data in {data}

  case commands  {command}  ({command_store})
  case queries   {query}  ({query_store})
  audit events   {audit}  ({audit_store})

Try, in another terminal:

  grpcurl {insecure} -d '{{\"case\":{{\"title\":\"Water damage, unit 4\"}}}}' {command} casetracker.v1.CaseCommandService/CreateCase
  grpcurl {insecure} -d '{{\"case_id\":\"CASE-001\",\"to_status\":\"SUBMITTED\"}}' {command} casetracker.v1.CaseCommandService/TransitionCase
  grpcurl {insecure} -d '{{\"case_id\":\"CASE-001\"}}' {query} casetracker.v1.CaseQueryService/GetCase
  grpcurl {insecure} -d '{{\"filter\":{{\"case_id\":\"CASE-001\"}}}}' {audit} casetracker.v1.AuditService/ListAuditEvents

Ctrl-C ends it.
",
        version = env!("CARGO_PKG_VERSION"),
        data = settings.data_dir.display(),
        command_store = settings.command.store,
        query_store = settings.query.store,
        audit_store = settings.audit.store,
    )
}
