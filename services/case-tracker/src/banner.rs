//! The first lines on the terminal.

use service_kit::settings::{AuthMode, Settings};

/// What runs where, and what to try next.
pub fn banner(settings: &Settings) -> String {
    let (command, query, audit) = (settings.command.listen, settings.query.listen, settings.audit.listen);
    let how = how_to_call(settings);
    format!(
        "case-tracker {version} keeps its data in {data}

  case commands  {command}  ({command_store})
  case queries   {query}  ({query_store})
  audit events   {audit}  ({audit_store})

Try, in another terminal:

  grpcurl {how} -d '{{\"case\":{{\"title\":\"Water damage, unit 4\"}}}}' {command} casetracker.v1.CaseCommandService/CreateCase
  grpcurl {how} -d '{{\"case_id\":\"CASE-001\",\"to_status\":\"SUBMITTED\"}}' {command} casetracker.v1.CaseCommandService/TransitionCase
  grpcurl {how} -d '{{\"case_id\":\"CASE-001\"}}' {query} casetracker.v1.CaseQueryService/GetCase
  grpcurl {how} -d '{{\"filter\":{{\"case_id\":\"CASE-001\"}}}}' {audit} casetracker.v1.AuditService/ListAuditEvents

Ctrl-C ends it.
",
        version = env!("CARGO_PKG_VERSION"),
        data = settings.data_dir.display(),
        command_store = settings.command.store,
        query_store = settings.query.store,
        audit_store = settings.audit.store,
    )
}

/// How grpcurl gets in: over which transport, and as whom.
fn how_to_call(settings: &Settings) -> String {
    let tls = &settings.tls;
    let transport = match (&tls.certificate, &tls.ca) {
        (None, _) => "-plaintext".to_owned(),
        (Some(_), Some(ca)) => format!("-cacert {}", ca.display()),
        // Whose word is good for it only the operator knows.
        (Some(_), None) => "-cacert AUTHORITY.pem".to_owned(),
    };
    let caller = match settings.auth.mode {
        AuthMode::Insecure => "-H x-actor-id:amira",
        AuthMode::Jwt => "-H \"authorization: Bearer $TOKEN\"",
        AuthMode::Mtls => "-cert CLIENT.pem -key CLIENT.key",
    };
    format!("{transport} {caller}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = Settings::defaults().unwrap();
        change(&mut settings);
        banner(&settings)
    }

    #[test]
    fn the_calls_to_try_are_those_that_this_configuration_answers() {
        assert!(told(|_| ()).contains("grpcurl -plaintext -H x-actor-id:amira -d"));
        let secured = told(|settings| {
            settings.auth.mode = AuthMode::Jwt;
            settings.tls.certificate = Some("server.pem".into());
            settings.tls.ca = Some("ca.pem".into());
        });
        assert!(secured.contains("grpcurl -cacert ca.pem -H \"authorization: Bearer $TOKEN\" -d"), "{secured}");
        assert!(!secured.contains("-plaintext") && !secured.contains("x-actor-id"), "{secured}");
    }
}
