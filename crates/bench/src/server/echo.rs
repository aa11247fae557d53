//! A bare tonic server: the same methods, the same bytes in and out, and nothing done in between.
//!
//! It decodes each request and encodes each answer, as any generated service does; it has no layers, no store, and no
//! telemetry. What it serves is what the transport allows on this machine. With a journal it syncs each `CreateCase` before it
//! answers, and is what transport and disk allow together.

mod journal;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use case_api::pb;
use case_api::pb::case_command_service_server::{CaseCommandService, CaseCommandServiceServer};
use case_api::pb::case_query_service_server::{CaseQueryService, CaseQueryServiceServer};
use prost::Message;
use tonic::{Request, Response, Status};

use self::journal::Journal;
use super::health::listens;
use super::process::{Server, Start, free_address};
use crate::error::Error;
use crate::machine::Cores;

const CREATE_CASE: &str = "create-case.bin";
const GET_CASE: &str = "get-case.bin";
const LIST_CASES: &str = "list-cases.bin";

/// What the echo answers: what a real server answered before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    pub(crate) create_case: pb::CreateCaseResponse,
    pub(crate) get_case: pb::GetCaseResponse,
    pub(crate) list_cases: pb::ListCasesResponse,
}

/// What is served: the answers, after a sync if there is a journal.
#[derive(Debug, Clone)]
struct Echoing {
    answers: Answers,
    journal: Option<Journal>,
}

/// The echo as a process of its own.
pub(crate) struct Echo;

impl Echo {
    /// Starts an echo of these answers. `folder` is new.
    pub(crate) fn start(folder: PathBuf, answers: &Answers, cores: Option<Cores>) -> Result<Server, Error> {
        Self::start_with(folder, answers, cores, None)
    }

    /// Starts an echo that syncs each `CreateCase` before it answers.
    pub(crate) fn start_syncing(folder: PathBuf, answers: &Answers, cores: Option<Cores>) -> Result<Server, Error> {
        Self::start_with(folder, answers, cores, Some("--sync".to_owned()))
    }

    fn start_with(
        folder: PathBuf,
        answers: &Answers,
        cores: Option<Cores>,
        more: Option<String>,
    ) -> Result<Server, Error> {
        fs::create_dir_all(&folder).map_err(Error::path("create", &folder))?;
        write(&folder.join(CREATE_CASE), &answers.create_case)?;
        write(&folder.join(GET_CASE), &answers.get_case)?;
        write(&folder.join(LIST_CASES), &answers.list_cases)?;
        let address = free_address()?;
        let program = std::env::current_exe().map_err(Error::system("find this program"))?;
        let mut arguments = vec!["echo-server".to_owned(), "--listen".to_owned(), address.to_string()];
        arguments.extend(more);
        let start =
            Start { name: "echo".to_owned(), program, arguments, environment: Vec::new(), folder, address, cores };
        start.until(listens)
    }
}

/// Serves the answers of the working directory for as long as the process lives, with a journal beside them if it `syncs`.
///
/// # Errors
/// Where the answers are missing, or the address cannot be listened on.
pub fn serve(address: SocketAddr, syncs: bool) -> Result<(), Error> {
    let answers = Answers {
        create_case: read(Path::new(CREATE_CASE))?,
        get_case: read(Path::new(GET_CASE))?,
        list_cases: read(Path::new(LIST_CASES))?,
    };
    let journal = if syncs { Some(Journal::start()?) } else { None };
    let echoing = Echoing { answers, journal };
    let runtime = tokio::runtime::Runtime::new().map_err(Error::system("start a runtime"))?;
    let routes = tonic::transport::Server::builder()
        .add_service(CaseCommandServiceServer::new(echoing.clone()))
        .add_service(CaseQueryServiceServer::new(echoing));
    let served = runtime.block_on(routes.serve(address));
    served.map_err(|error| Error::Unmeasurable(format!("cannot serve on {address}: {error}")))
}

fn write(path: &Path, message: &impl Message) -> Result<(), Error> {
    fs::write(path, message.encode_to_vec()).map_err(Error::path("write", path))
}

fn read<M: Message + Default>(path: &Path) -> Result<M, Error> {
    let bytes = fs::read(path).map_err(Error::path("read", path))?;
    M::decode(&*bytes).map_err(|error| Error::Unmeasurable(format!("{} is no answer: {error}", path.display())))
}

fn unechoed<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the echo has no answer of this kind"))
}

#[tonic::async_trait]
impl CaseCommandService for Echoing {
    async fn create_case(
        &self,
        request: Request<pb::CreateCaseRequest>,
    ) -> Result<Response<pb::CreateCaseResponse>, Status> {
        if let Some(journal) = &self.journal {
            let kept = journal.keep(request.into_inner().encode_to_vec()).await;
            kept.ok_or_else(|| Status::internal("the journal cannot be written"))?;
        }
        Ok(Response::new(self.answers.create_case.clone()))
    }

    async fn transition_case(
        &self,
        _: Request<pb::TransitionCaseRequest>,
    ) -> Result<Response<pb::TransitionCaseResponse>, Status> {
        unechoed()
    }

    async fn update_case(&self, _: Request<pb::UpdateCaseRequest>) -> Result<Response<pb::UpdateCaseResponse>, Status> {
        unechoed()
    }

    async fn assign_case(&self, _: Request<pb::AssignCaseRequest>) -> Result<Response<pb::AssignCaseResponse>, Status> {
        unechoed()
    }

    async fn add_comment(&self, _: Request<pb::AddCommentRequest>) -> Result<Response<pb::AddCommentResponse>, Status> {
        unechoed()
    }

    async fn link_cases(&self, _: Request<pb::LinkCasesRequest>) -> Result<Response<pb::LinkCasesResponse>, Status> {
        unechoed()
    }

    async fn unlink_cases(
        &self,
        _: Request<pb::UnlinkCasesRequest>,
    ) -> Result<Response<pb::UnlinkCasesResponse>, Status> {
        unechoed()
    }
}

#[tonic::async_trait]
impl CaseQueryService for Echoing {
    async fn get_case(&self, _: Request<pb::GetCaseRequest>) -> Result<Response<pb::GetCaseResponse>, Status> {
        Ok(Response::new(self.answers.get_case.clone()))
    }

    async fn list_cases(&self, _: Request<pb::ListCasesRequest>) -> Result<Response<pb::ListCasesResponse>, Status> {
        Ok(Response::new(self.answers.list_cases.clone()))
    }

    async fn batch_get_cases(
        &self,
        _: Request<pb::BatchGetCasesRequest>,
    ) -> Result<Response<pb::BatchGetCasesResponse>, Status> {
        unechoed()
    }

    async fn list_comments(
        &self,
        _: Request<pb::ListCommentsRequest>,
    ) -> Result<Response<pb::ListCommentsResponse>, Status> {
        unechoed()
    }

    async fn get_case_timeline(
        &self,
        _: Request<pb::GetCaseTimelineRequest>,
    ) -> Result<Response<pb::GetCaseTimelineResponse>, Status> {
        unechoed()
    }

    async fn get_lifecycle(
        &self,
        _: Request<pb::GetLifecycleRequest>,
    ) -> Result<Response<pb::GetLifecycleResponse>, Status> {
        unechoed()
    }
}
