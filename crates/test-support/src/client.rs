//! Clients, and what they read of a refusal.

use std::collections::HashMap;
use std::net::SocketAddr;

use case_api::feed_pb::case_event_feed_service_client::CaseEventFeedServiceClient;
use case_api::pb::audit_service_client::AuditServiceClient;
use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::case_query_service_client::CaseQueryServiceClient;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt;

/// Somebody who calls a server: adds the same metadata to each call.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    metadata: Vec<(&'static str, MetadataValue<Ascii>)>,
}

/// The channel of a [`Caller`].
pub type CallerChannel = InterceptedService<Channel, Caller>;

impl Caller {
    /// Somebody who does not say who it is.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Somebody by name.
    pub fn actor(name: &str) -> Self {
        Self::nobody().with("x-actor-id", name)
    }

    /// Adds one metadata value to each call.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: &str) -> Self {
        self.metadata.push((key, value.parse().expect("a metadata value")));
        self
    }

    /// A channel that connects when it is first used.
    pub fn channel(self, address: SocketAddr) -> CallerChannel {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address is a URI");
        InterceptedService::new(endpoint.connect_lazy(), self)
    }

    /// A client of the command service.
    pub fn commands(self, address: SocketAddr) -> CaseCommandServiceClient<CallerChannel> {
        CaseCommandServiceClient::new(self.channel(address))
    }

    /// A client of the query service.
    pub fn queries(self, address: SocketAddr) -> CaseQueryServiceClient<CallerChannel> {
        CaseQueryServiceClient::new(self.channel(address))
    }

    /// A client of the audit service.
    pub fn audit(self, address: SocketAddr) -> AuditServiceClient<CallerChannel> {
        AuditServiceClient::new(self.channel(address))
    }

    /// A client of the event feed.
    pub fn feed(self, address: SocketAddr) -> CaseEventFeedServiceClient<CallerChannel> {
        CaseEventFeedServiceClient::new(self.channel(address))
    }
}

impl Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for (key, value) in &self.metadata {
            request.metadata_mut().insert(*key, value.clone());
        }
        Ok(request)
    }
}

/// A refusal in the words of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The gRPC code.
    pub code: tonic::Code,
    /// `ErrorInfo.domain`.
    pub domain: String,
    /// `ErrorInfo.reason`.
    pub reason: String,
    /// `ErrorInfo.metadata`.
    pub metadata: HashMap<String, String>,
    /// The fields of `BadRequest`.
    pub fields: Vec<String>,
    /// `RequestInfo.request_id`.
    pub request_id: String,
    /// `x-request-id` in the answer's metadata.
    pub echoed_request_id: Option<String>,
    /// `ResourceInfo.resource_name`.
    pub resource: Option<String>,
    /// The type of the first violation of `PreconditionFailure`.
    pub precondition: Option<String>,
    /// Whether there is a `RetryInfo`.
    pub retry: bool,
    /// Whether there is a `QuotaFailure`.
    pub quota: bool,
}

impl Refusal {
    /// Reads a status if it is a refusal of ours: a broken connection is none.
    pub fn if_ours(status: &Status) -> Option<Self> {
        status.get_error_details().error_info().is_some().then(|| Self::of(status))
    }

    /// Reads a status that must carry `ErrorInfo` and `RequestInfo`.
    pub fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
        let request = details.request_info().unwrap_or_else(|| panic!("no RequestInfo in {status:?}"));
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        let precondition = details.precondition_failure().and_then(|failure| failure.violations.first());
        Self {
            code: status.code(),
            domain: info.domain.clone(),
            reason: info.reason.clone(),
            metadata: info.metadata.clone(),
            fields: violations.iter().map(|violation| violation.field.clone()).collect(),
            request_id: request.request_id.clone(),
            echoed_request_id: echoed(status.metadata()),
            resource: details.resource_info().map(|resource| resource.resource_name.clone()),
            precondition: precondition.map(|violation| violation.r#type.clone()),
            retry: details.retry_info().is_some(),
            quota: details.quota_failure().is_some(),
        }
    }
}

fn echoed(metadata: &MetadataMap) -> Option<String> {
    metadata.get("x-request-id").and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
}
