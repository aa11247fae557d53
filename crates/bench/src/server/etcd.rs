//! etcd, on its own: what people would pick instead. Its one message that is needed here, from its public API.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message;

use super::health::listens;
use super::process::{Server, Start, free_address};
use crate::error::Error;
use crate::load::Workload;
use crate::machine::Cores;

/// `etcdserverpb.PutRequest`: the fields that a put needs.
#[derive(Clone, PartialEq, Eq, Message)]
struct PutRequest {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

/// A single node with its default settings.
pub(crate) struct Etcd;

impl Etcd {
    /// The program: the one that was named, or the first one on the PATH.
    pub(crate) fn find(named: Option<&Path>) -> Option<PathBuf> {
        if let Some(path) = named {
            return Some(path.to_owned());
        }
        let folders = std::env::var_os("PATH")?;
        std::env::split_paths(&folders).map(|folder| folder.join("etcd")).find(|path| path.is_file())
    }

    /// Starts it on a new, empty folder.
    pub(crate) fn start(program: PathBuf, folder: &Path, cores: Option<Cores>) -> Result<Server, Error> {
        std::fs::create_dir_all(folder).map_err(Error::path("create", folder))?;
        let address = free_address()?;
        let (client, peer) = (format!("http://{address}"), format!("http://{}", free_address()?));
        let arguments = [
            "--data-dir=etcd".to_owned(),
            "--name=bench".to_owned(),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=bench={peer}"),
        ];
        let start = Start {
            name: "etcd".to_owned(),
            program,
            arguments: arguments.into(),
            environment: Vec::new(),
            folder: folder.to_owned(),
            address,
            cores,
        };
        // It listens before it has elected itself; the warm-up of the first run covers that.
        start.until(|address| listens(address) && put_succeeds(address))
    }

    /// Puts of what another workload would send, each under a key of its own.
    pub(crate) fn puts(address: SocketAddr, payload: impl Fn(u64) -> Bytes + Send + Sync + 'static) -> Workload {
        Workload::new(address, "/etcdserverpb.KV/Put", move |number| {
            let key = Bytes::from(format!("CASE-{number:08}"));
            PutRequest { key, value: payload(number) }.encode_to_vec().into()
        })
    }
}

fn put_succeeds(address: SocketAddr) -> bool {
    let workload = Etcd::puts(address, |_| Bytes::from_static(b"ready"));
    crate::load::call_once(&workload).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_put_is_encoded_as_the_public_api_has_it() {
        let request = PutRequest { key: Bytes::from_static(b"k"), value: Bytes::from_static(b"vv") };
        assert_eq!(request.encode_to_vec(), [0x0a, 1, b'k', 0x12, 2, b'v', b'v']);
    }
}
