//! `diagnostics`: what the services know about themselves.

mod archive;
mod bundle;

use service_kit::diagnostics::pb;
use service_kit::diagnostics::pb::diagnostics_service_client::DiagnosticsServiceClient;

use crate::answer::{DiagnosticsAnswer, DiagnosticsJson, ServiceAnswer};
use crate::cli::{DiagnosticsArgs, DiagnosticsCommand};
use crate::connection::Target;
use crate::problem::Problem;
use crate::session::Session;
use crate::settings::Service;
use crate::view::diagnostics::{Overview, details, overview};

pub(super) async fn diagnostics(session: &mut Session, args: DiagnosticsArgs) -> Result<(), Problem> {
    match args.command {
        None => show(session).await,
        Some(DiagnosticsCommand::Bundle { file }) => bundle::bundle(session, file).await,
    }
}

/// What one service said.
struct Asked {
    service: Service,
    address: String,
    state: Result<pb::Diagnostics, Problem>,
}

/// Asks all services at once.
async fn ask_all(session: &Session) -> [Asked; 3] {
    let [command, query, audit] = Service::ALL;
    tokio::join!(ask(session, command), ask(session, query), ask(session, audit)).into()
}

async fn ask(session: &Session, service: Service) -> Asked {
    let address = session.connections.address(service).to_string();
    Asked { service, address, state: state_of(session, service).await }
}

async fn state_of(session: &Session, service: Service) -> Result<pb::Diagnostics, Problem> {
    let client = DiagnosticsServiceClient::new(session.connections.channel(service)?);
    let send = |request| {
        let mut client = client.clone();
        async move { client.get_diagnostics(request).await }
    };
    let answer = session.connections.call(Target::read(service), pb::GetDiagnosticsRequest {}, send).await?;
    Ok(answer.diagnostics.unwrap_or_default())
}

async fn show(session: &mut Session) -> Result<(), Problem> {
    let asked = ask_all(session).await;
    if session.is_json() {
        session.print_json(&DiagnosticsAnswer { services: asked.iter().map(answer).collect() })?;
    } else {
        let text = text(session, &asked);
        session.print(&text)?;
    }
    verdict(session, asked)
}

fn answer(asked: &Asked) -> ServiceAnswer<'_> {
    ServiceAnswer {
        service: asked.service.name(),
        address: asked.address.clone(),
        diagnostics: asked.state.as_ref().ok().map(DiagnosticsJson::from),
        error: asked.state.as_ref().err().map(Problem::message),
    }
}

fn line(Asked { service, address, state }: &Asked) -> Overview<'_> {
    Overview { service: service.name(), address: address.clone(), state: state.as_ref().map_err(Problem::message) }
}

fn text(session: &Session, asked: &[Asked]) -> String {
    let mut text = overview(&session.view, &asked.iter().map(line).collect::<Vec<_>>());
    for Asked { service, state, .. } in asked {
        if let Ok(state) = state {
            text.push('\n');
            text.push_str(&details(&session.view, service.name(), state));
        }
    }
    text
}

/// Tells why services gave no answer. That one refused counts for more than that another could not be reached: it will
/// refuse again.
fn verdict(session: &mut Session, asked: [Asked; 3]) -> Result<(), Problem> {
    let mut problems: Vec<_> = asked.into_iter().filter_map(|asked| asked.state.err()).collect();
    problems.sort_by_key(|problem| match problem {
        Problem::Refused(_) => 2,
        Problem::Local { .. } | Problem::Found { .. } => 1,
        Problem::Unanswered(_) | Problem::OutputClosed => 0,
    });
    let Some(worst) = problems.pop() else { return Ok(()) };
    for problem in &problems {
        session.tell(problem);
    }
    Err(worst)
}
