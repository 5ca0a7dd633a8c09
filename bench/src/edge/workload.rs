//! What is asked of the servers, and how much better than each of them ours is meant to be.

use crate::peers::Peer;

/// A set of objects of one size, all of them hits.
pub struct Workload {
    /// For people.
    pub name: &'static str,
    /// Of each body.
    pub bytes: usize,
    /// Asked for in turn.
    pub objects: usize,
    /// Over TLS 1.3.
    pub secure: bool,
    /// Our requests per CPU-second over the peer's, as the project has set itself. Peers without a goal are shown only.
    pub goals: &'static [(Peer, f64)],
}

impl Workload {
    /// The goal against a peer.
    pub fn goal(&self, peer: Peer) -> Option<f64> {
        self.goals.iter().find(|(of, _)| *of == peer).map(|(_, goal)| *goal)
    }

    /// The paths of the objects, as the origin understands them.
    pub fn paths(&self) -> Vec<String> {
        (0..self.objects).map(|index| format!("/{}/{index}", self.bytes)).collect()
    }
}

/// A playlist, an audio segment, a video segment of a low rung, and a library of video segments.
pub const WORKLOADS: [Workload; 6] = [
    Workload {
        name: "1 KiB, one object",
        bytes: 1 << 10,
        objects: 1,
        secure: false,
        goals: &[(Peer::Nginx, 2.0), (Peer::H2o, 1.1)],
    },
    Workload { name: "16 KiB, one object", bytes: 16 << 10, objects: 1, secure: false, goals: &[(Peer::Nginx, 1.8)] },
    Workload {
        name: "256 KiB, one object",
        bytes: 256 << 10,
        objects: 1,
        secure: false,
        goals: &[(Peer::Nginx, 1.15)],
    },
    Workload { name: "1 MiB, 256 objects", bytes: 1 << 20, objects: 256, secure: false, goals: &[(Peer::Nginx, 1.0)] },
    Workload { name: "16 KiB, TLS 1.3", bytes: 16 << 10, objects: 1, secure: true, goals: &[(Peer::Nginx, 1.5)] },
    Workload { name: "1 MiB, TLS 1.3", bytes: 1 << 20, objects: 1, secure: true, goals: &[(Peer::Nginx, 1.8)] },
];
