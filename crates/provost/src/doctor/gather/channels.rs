//! Whether notifications would arrive: everything but the notification itself.

use provost_model::{Channel, Desired};

use crate::config::ServerConfig;
use crate::doctor::evidence::{ChannelTried, Trouble};
use crate::messenger::Post;

pub(super) async fn try_all(config: &ServerConfig, desired: &Desired) -> Vec<ChannelTried> {
    let post = Post {
        channels: config.state.join("channels"),
        secrets: config.secrets.clone(),
        allow_private_addresses: config.allow_private_addresses,
    };
    let channels: Vec<Channel> = desired.channels.values().map(|channel| channel.as_ref().clone()).collect();
    // Names are resolved and connections made: that blocks.
    let tried = tokio::task::spawn_blocking(move || channels.iter().map(|channel| tried(&post, channel)).collect());
    tried.await.unwrap_or_default()
}

fn tried(post: &Post, channel: &Channel) -> ChannelTried {
    let trouble = post.reach(channel).err().map(|error| Trouble {
        what: error.0,
        mend: "correct the channel in its manifest, or let this machine reach it".to_owned(),
    });
    ChannelTried { name: channel.name.to_string(), trouble }
}
