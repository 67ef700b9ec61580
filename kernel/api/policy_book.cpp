// kernel/api/policy_book.cpp -- which policy runs, and those that ran before it.
#include "kernel/api/policy_book.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace larder::api {
namespace {

namespace json = boost::json;

constexpr const char* index_name = "policies.json";
constexpr std::size_t most_index_bytes = 1u << 20;

std::string file_of(const std::string& id) { return "policy-" + id + ".json"; }

bool is_id(std::string_view text) {
    return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

json::object head_of(const PolicyRecord& record) {
    return {{"id", record.id}, {"at_ms", record.at_ms}, {"origin", record.origin}, {"by", record.by}};
}

std::string text_of(const json::object& from, const char* name) {
    const auto* const value = from.if_contains(name);
    const auto* const text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

std::optional<json::object> object_in(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    json::error_code error;
    json::value read = json::parse(*text, error);
    if (error || !read.is_object()) return std::nullopt;
    return std::move(read.get_object());
}

std::optional<PolicyRecord> record_of(const json::value& head, const StateFolder& folder) {
    const auto* const object = head.if_object();
    if (object == nullptr) return std::nullopt;
    PolicyRecord out;
    out.id = text_of(*object, "id");
    out.origin = text_of(*object, "origin");
    out.by = text_of(*object, "by");
    if (!is_id(out.id)) return std::nullopt;
    if (const auto* const at = object->if_contains("at_ms"); at != nullptr && at->is_number()) {
        json::error_code error;
        out.at_ms = at->to_number<std::uint64_t>(error);
    }
    // As JSON text an escaped byte takes six.
    const auto body = object_in(folder.read(file_of(out.id), 7 * most_policy_bytes));
    const auto* const files = body ? body->if_contains("files") : nullptr;
    if (files == nullptr || !files->is_array()) return std::nullopt;
    for (const json::value& file : files->get_array())
        if (file.is_object()) out.texts.files.emplace_back(text_of(file.get_object(), "name"), text_of(file.get_object(), "text"));
    if (!complaint_about(out.texts).empty()) return std::nullopt;
    return out;
}

std::string body_of(const PolicyRecord& record) {
    json::array files;
    for (const auto& [name, text] : record.texts.files) files.push_back(json::object{{"name", name}, {"text", text}});
    return json::serialize(json::object{{"id", record.id}, {"files", std::move(files)}}) + "\n";
}

}  // namespace

PolicyBook::PolicyBook(std::unique_ptr<StateFolder> folder, std::size_t keep, std::function<void(const std::string&)> complain)
    : folder_(std::move(folder)), keep_(keep), complain_(std::move(complain)) {}

std::string PolicyBook::begin(PolicyRecord first) {
    std::string said;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (folder_) read(said, first);
        running_ = std::move(first);
        unsaved_ = true;
    }
    save();
    return said;
}

void PolicyBook::read(std::string& said, const PolicyRecord& first) {
    const auto text = folder_->read(index_name, most_index_bytes);
    if (!text) return;
    const auto index = object_in(text);
    if (!index) {
        complain_(folder_->path() + "/" + index_name + " cannot be read: earlier policies are forgotten");
        return;
    }
    std::size_t lost = 0;
    const auto take = [&](const json::value& head) {
        auto record = record_of(head, *folder_);
        if (!record) ++lost;
        else if (kept_.size() < keep_ && record->id != first.id) kept_.push_back(std::move(*record));
    };
    if (const auto* const running = index->if_contains("running")) {
        take(*running);
        const auto* const watched = index->if_contains("watched");
        if (!kept_.empty()) {
            const PolicyRecord& last = kept_.front();
            said = "when the last kernel ended the policy " + last.id + " ran (" + last.origin + (last.by.empty() ? "" : " by " + last.by) + ")";
            if (watched != nullptr && watched->is_bool() && watched->get_bool()) said += ", and it was still being watched";
            said += "; the files name another one, which runs now. `larder rollback` goes back to " + last.id;
        }
    }
    if (const auto* const kept = index->if_contains("kept"); kept != nullptr && kept->is_array())
        for (const json::value& head : kept->get_array()) take(head);
    if (lost != 0) complain_(std::to_string(lost) + " of the earlier policies in " + folder_->path() + " cannot be read and are forgotten");
}

void PolicyBook::save() {
    if (!folder_) return;
    const std::lock_guard<std::mutex> alone(saving_);
    PolicyRecord running;
    std::vector<PolicyRecord> kept;
    bool watched = false;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!unsaved_) return;
        unsaved_ = false;
        running = running_;
        kept = kept_;
        watched = watched_;
    }
    write(running, kept, watched);
}

void PolicyBook::write(const PolicyRecord& running, const std::vector<PolicyRecord>& records, bool watched) {
    std::set<std::string> wanted{index_name};
    const auto present = folder_->names();
    std::string problem;
    json::array kept;
    const auto put = [&](const PolicyRecord& record) {
        const std::string name = file_of(record.id);
        if (!wanted.insert(name).second || std::find(present.begin(), present.end(), name) != present.end()) return true;
        return folder_->write(name, body_of(record), problem);
    };
    bool good = put(running);
    for (const PolicyRecord& record : records) {
        good = good && put(record);
        kept.push_back(head_of(record));
    }
    good = good && folder_->write(index_name,
                                  json::serialize(json::object{{"running", head_of(running)}, {"watched", watched}, {"kept", std::move(kept)}}) + "\n",
                                  problem);
    if (!good) {
        complain_(problem + ": which policy runs will not be known after a restart");
        return;
    }
    for (const std::string& name : present)
        if (name.starts_with("policy-") && !wanted.contains(name)) folder_->remove(name);
}

void PolicyBook::replace(PolicyRecord next, bool watched) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (next.id != running_.id) {
        std::erase_if(kept_, [&](const PolicyRecord& one) { return one.id == running_.id; });
        kept_.insert(kept_.begin(), std::move(running_));
        if (kept_.size() > keep_) kept_.resize(keep_);
    }
    running_ = std::move(next);
    watched_ = watched;
    unsaved_ = true;
}

void PolicyBook::settle() {
    const std::lock_guard<std::mutex> lock(mutex_);
    watched_ = false;
    unsaved_ = true;
}

bool PolicyBook::go_back(const std::string& id, PolicyRecord as) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = id.empty() ? kept_.begin() : std::find_if(kept_.begin(), kept_.end(), [&](const PolicyRecord& one) { return one.id == id; });
    if (found == kept_.end()) return false;
    as.texts = std::move(found->texts);
    running_ = std::move(as);
    watched_ = false;
    kept_.erase(kept_.begin(), found + 1);
    unsaved_ = true;
    return true;
}

PolicyRecord PolicyBook::running() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return running_;
}

std::vector<PolicyRecord> PolicyBook::kept() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return kept_;
}

std::optional<PolicyRecord> PolicyBook::find(const std::string& id) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const PolicyRecord& one : kept_)
        if (id.empty() || one.id == id) return one;
    return std::nullopt;
}

}  // namespace larder::api
