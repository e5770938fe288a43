// OpenDHT's side of bench-pnrp: its own runners, one a node, on ::1. Its limits on requests per second, which count
// by address and here all come from one, are lifted.
#include <opendht.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/dht_side.h"

namespace
{

constexpr in_port_t port = 4000;
constexpr auto connect_limit = std::chrono::seconds(60);

std::vector<std::unique_ptr<dht::DhtRunner>> nodes;
std::vector<dht::InfoHash> keys;
std::vector<std::vector<bool>> holds; // node has that name in its own storage

std::string text(unsigned name)
{
	return "bench-" + std::to_string(name) + " [::1]:" + std::to_string(port + name);
}

std::unique_ptr<dht::DhtRunner> make(unsigned i)
{
	auto node = std::make_unique<dht::DhtRunner>();
	dht::DhtRunner::Config config;

	config.dht_config.node_config.max_req_per_sec = -1;
	config.dht_config.node_config.max_peer_req_per_sec = -1;
	config.bind6 = dht::SockAddr::resolve("::1", std::to_string(port + i)).at(0);
	node->run(config, {});
	if (i > 0)
		node->bootstrap(dht::SockAddr::resolve("::1", std::to_string(port)).at(0));
	return node;
}

void wait_connected(dht::DhtRunner &node)
{
	auto end = std::chrono::steady_clock::now() + connect_limit;

	while (node.getNodesStats(AF_INET6).good_nodes < 8) {
		if (std::chrono::steady_clock::now() > end)
			dht_die("a node of OpenDHT does not connect");
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
	}
}

void publish(unsigned i)
{
	std::promise<bool> done;

	nodes[i]->put(keys[i], dht::Value(reinterpret_cast<const uint8_t *>(text(i).data()), text(i).size()),
		      [&](bool ok) { done.set_value(ok); });
	if (!done.get_future().get())
		dht_die("a value of OpenDHT is not stored");
}

void join(unsigned count, unsigned)
{
	for (unsigned i = 0; i < count; i++)
		nodes.push_back(make(i));
	for (auto &node : nodes)
		wait_connected(*node);
	for (unsigned i = 0; i < count; i++) {
		keys.push_back(dht::InfoHash::get("bench-" + std::to_string(i)));
		publish(i);
	}
	for (unsigned i = 0; i < count; i++) {
		std::vector<bool> held(count);

		held[i] = true; // announces it itself
		for (const auto &stored : nodes[i]->exportValues()) {
			for (unsigned name = 0; name < count; name++)
				held[name] = held[name] || stored.first == keys[name];
		}
		holds.push_back(held);
	}
}

bool remote(unsigned node, unsigned name)
{
	return !holds[node][name];
}

// Ends with the first value, as a resolve does.
void get(struct dht_get *get)
{
	auto ended = std::make_shared<std::atomic<bool>>(false);
	unsigned name = get->name;

	nodes[get->node]->get(
		keys[name],
		[ended, get, name](const std::vector<std::shared_ptr<dht::Value>> &values) {
			for (const auto &value : values) {
				std::string data(value->data.begin(), value->data.end());

				if (data == text(name)) {
					if (!ended->exchange(true))
						dht_got(get, true);
					return false;
				}
			}
			return true;
		},
		[ended, get](bool) {
			if (!ended->exchange(true))
				dht_got(get, false);
		});
}

} // namespace

int main(int argc, char **argv)
{
	static const struct dht_side side = {"opendht", join, remote, get};

	dht_run(&side, argc, argv);
}
