//! Whether everything is as well afterwards as it was before.

use anyhow::Context;
use case_api::pb::AuditEventFilter;
use case_api::pb::{Case, Consistency, CreateCaseRequest, GetCaseRequest, ListAuditEventsRequest};
use rusqlite::{Connection, OpenFlags};
use test_support::{AUDIT, COMMAND, Caller, QUERY, System, poll_until, views};

use crate::report::{Report, complain};

/// What is the case afterwards.
#[derive(Debug)]
pub(super) struct Aftermath {
    /// Services that do not say that they are ready.
    not_serving: usize,
    /// Whether a case can be made, read and found in the audit log.
    journey: bool,
    /// Whether read model and audit log have each event of the history once.
    complete: bool,
    /// Stores in which SQLite finds something wrong.
    damaged: usize,
}

impl Aftermath {
    /// Looks at a system, whose history has so many events, and ends it.
    pub(super) async fn of(system: &mut System, events: usize) -> anyhow::Result<Self> {
        let services = [COMMAND, QUERY, AUDIT];
        let mut not_serving = 0;
        for service in services {
            not_serving += usize::from(!system.is_ready(service).await);
        }
        let journey = journey(system).await.inspect_err(|error| complain(&format!("{error:#}"))).is_ok();
        let complete = match views(system).await {
            // The journey has added one.
            Ok(views) => views.iter().all(|view| view.effects.len() == events + 1),
            Err(status) => {
                complain(&format!("what has happened cannot be read: {status}"));
                false
            }
        };
        system.stop().await;
        let mut damaged = 0;
        for service in services {
            damaged += usize::from(!is_sound(system, service)?);
        }
        Ok(Self { not_serving, journey, complete, damaged })
    }

    pub(super) fn tell(&self, report: &mut Report) {
        report.must_be_none("afterwards: services that are not SERVING", self.not_serving);
        report.must("afterwards: a case is made, read and found in the audit log", self.journey);
        report.must("afterwards: read model and audit log have every event of the history once", self.complete);
        report.must_be_none("afterwards: stores in which PRAGMA quick_check finds something", self.damaged);
    }
}

async fn journey(system: &System) -> anyhow::Result<()> {
    let case = Case { title: "afterwards".to_owned(), ..Case::default() };
    let request = CreateCaseRequest { case: Some(case), ..CreateCaseRequest::default() };
    let made =
        system.commands(Caller::actor("amira")).create_case(request).await.context("making a case")?.into_inner();
    let case_id = made.case.context("an answer without its case")?.case_id;
    let consistency = Some(Consistency { at_least_as_fresh: vec![made.consistency_token] });
    // A read that asks for freshness is answered at once or refused: it may have to be asked again.
    poll_until("the case in the read model", || async {
        let request = GetCaseRequest { case_id: case_id.clone(), consistency: consistency.clone() };
        system.queries(Caller::actor("amira")).get_case(request).await.ok()
    })
    .await;
    poll_until("the case in the audit log", || async {
        let filter = AuditEventFilter { case_id: case_id.clone(), ..AuditEventFilter::default() };
        let request = ListAuditEventsRequest { filter: Some(filter), ..ListAuditEventsRequest::default() };
        let page = system.audit(Caller::actor("amira")).list_audit_events(request).await.ok()?.into_inner();
        (page.audit_events.len() == 1).then_some(())
    })
    .await;
    Ok(())
}

/// What SQLite says of the file of a service that has ended.
fn is_sound(system: &System, service: &str) -> anyhow::Result<bool> {
    let store = system.store(service);
    let connection =
        Connection::open_with_flags(&store, OpenFlags::SQLITE_OPEN_READ_ONLY).context("opening a store")?;
    let said: String =
        connection.query_row("PRAGMA quick_check", (), |row| row.get(0)).context("PRAGMA quick_check")?;
    if said != "ok" {
        complain(&format!("{service}: {said}"));
    }
    Ok(said == "ok")
}
