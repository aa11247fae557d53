//! `health`

use std::time::Duration;

use serde::Serialize;
use service_kit::exit::ExitCode;
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::cli::{HealthArgs, HealthName};
use crate::connection::root_cause;
use crate::problem::Problem;
use crate::session::Session;
use crate::settings::Service;
use crate::view::table::{Cell, Column, render};
use crate::view::{Paint, View};

/// How long all services together have, unless the person gives them less: whoever asks wants to know now.
const BOUND: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct HealthAnswer {
    services: Vec<ServiceHealth>,
}

/// How one service is.
#[derive(Serialize)]
struct ServiceHealth {
    service: &'static str,
    address: String,
    /// The name of the protocol's value, or `UNREACHABLE`.
    status: String,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl ServiceHealth {
    fn is_serving(&self) -> bool {
        self.status == ServingStatus::Serving.as_str_name()
    }
}

/// One answer of each service, without retries: that it takes several attempts is what a person wants to know.
pub(super) async fn health(session: &mut Session, args: HealthArgs) -> Result<(), Problem> {
    let name = match args.check {
        HealthName::Readiness => "readiness",
        HealthName::Liveness => "liveness",
        HealthName::Startup => "startup",
    };
    let ask = |service| ask(session, service, name);
    let (command, query, audit) = tokio::join!(ask(Service::Command), ask(Service::Query), ask(Service::Audit));
    let services = vec![command, query, audit];
    let unwell: Vec<_> = services.iter().filter(|service| !service.is_serving()).map(|unwell| unwell.service).collect();
    let unwell = unwell.join(", ");
    if session.is_json() {
        session.print_json(&HealthAnswer { services })?;
    } else {
        let text = table(&session.view, &services);
        session.print(&text)?;
    }
    if unwell.is_empty() {
        return Ok(());
    }
    Err(Problem::local(ExitCode::Refused, format!("not healthy ({name}): {unwell}")))
}

async fn ask(session: &Session, service: Service, name: &str) -> ServiceHealth {
    let address = session.connections.address(service).to_string();
    let bound = BOUND.min(session.settings.timeout);
    let answer = tokio::time::timeout(bound, check(session, service, name)).await;
    let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {}", humantime::format_duration(bound))));
    let (status, error) = match answer {
        Ok(status) => (status.as_str_name().to_owned(), None),
        Err(error) => ("UNREACHABLE".to_owned(), Some(error)),
    };
    ServiceHealth { service: service.name(), address, status, error }
}

/// The name of the protocol's value, or `UNREACHABLE` and why.
pub(super) async fn status(session: &Session, service: Service, name: &str) -> String {
    let ServiceHealth { status, error, .. } = ask(session, service, name).await;
    error.map_or_else(|| status.clone(), |error| format!("{status}: {error}"))
}

async fn check(session: &Session, service: Service, name: &str) -> Result<ServingStatus, String> {
    let channel = session.connections.channel(service).map_err(|problem| problem.message())?;
    let request = Request::new(HealthCheckRequest { service: name.to_owned() });
    let answer = HealthClient::new(channel).check(request).await;
    answer.map(|answer| answer.get_ref().status()).map_err(|status| match std::error::Error::source(&status) {
        Some(cause) => root_cause(cause),
        None => format!("{:?}: {}", status.code(), status.message()),
    })
}

fn table(view: &View, services: &[ServiceHealth]) -> String {
    let row = |service: &ServiceHealth| {
        let paint = if service.is_serving() { Paint::Good } else { Paint::Bad };
        vec![
            Cell::painted(service.service, Paint::Strong),
            Cell::new(&service.address),
            Cell::painted(&service.status, paint),
            Cell::new(service.error.as_deref().unwrap_or_default()),
        ]
    };
    let columns = [Column::key("SERVICE"), Column::key("ADDRESS"), Column::key("STATUS"), Column::text("WHY")];
    render(view, &columns, &services.iter().map(row).collect::<Vec<_>>())
}
