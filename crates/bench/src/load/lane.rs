//! One connection, and calls over it.

use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use super::workload::{ACTOR, Workload};
use crate::codec::Raw;
use crate::error::Error;

/// A connection of its own. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    grpc: Grpc<Channel>,
    actor: MetadataValue<Ascii>,
}

impl Lane {
    /// Connects now.
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self, Error> {
        let actor = MetadataValue::from_static(ACTOR);
        Ok(Self { grpc: Grpc::new(channel(address).await?), actor })
    }

    /// Opens as many connections as asked for.
    pub(crate) async fn connect_all(address: SocketAddr, count: usize) -> Result<Vec<Self>, Error> {
        let mut lanes = Vec::with_capacity(count);
        for _ in 0..count {
            lanes.push(Self::connect(address).await?);
        }
        Ok(lanes)
    }

    /// Makes the next call of a workload.
    pub(crate) async fn call(&mut self, workload: &Workload) -> Result<Bytes, Status> {
        self.send(workload.path.clone(), workload.next()).await
    }

    /// Calls one method.
    pub(crate) async fn send(&mut self, path: PathAndQuery, request: Bytes) -> Result<Bytes, Status> {
        self.grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let mut request = Request::new(request);
        request.metadata_mut().insert("x-actor-id", self.actor.clone());
        self.grpc.unary(request, path, Raw).await.map(Response::into_inner)
    }
}

/// Makes one call that must succeed, over a connection of its own.
pub(crate) fn call_once(workload: &Workload) -> Result<Bytes, Error> {
    block_on(async {
        let mut lane = Lane::connect(workload.address).await?;
        lane.call(workload).await.map_err(Error::call(workload.path.as_str()))
    })
}

/// A channel with its one connection.
pub(crate) async fn channel(address: SocketAddr) -> Result<Channel, Error> {
    let failed = |source| Error::Connection { address: address.to_string(), source };
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(failed)?;
    endpoint.tcp_nodelay(true).connect().await.map_err(failed)
}

/// Runs a future to its end on a runtime of its own, in this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Error::system("start a runtime"))?.block_on(future)
}
