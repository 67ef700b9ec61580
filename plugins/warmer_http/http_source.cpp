// plugins/warmer_http/http_source.cpp -- see http_source.hpp.
#include "http_source.hpp"

#include "path_text.hpp"

#include <algorithm>

namespace larder::warmer_http {

using plugin::text_of;

namespace {

std::span<const larder_pair> fields_of(const larder_warm_item& item) {
    if (!LARDER_HAS(&item, field_count) || item.fields == nullptr) return {};
    return {item.fields, item.field_count};
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

bool is_line(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

larder_status refusal(unsigned status) {
    if (status == 401 || status == 403) return LARDER_E_DENIED;
    if (status == 408 || status == 425 || status == 429) return LARDER_E_BUSY;
    if (status >= 400 && status < 500) return LARDER_E_INVALID;
    if (status >= 500) return LARDER_E_IO;
    return LARDER_E_CONFIG;  // a redirect, or what no answer to this question is
}

}  // namespace

HttpSource::HttpSource(plugin::Host host, const plugin::Config& config)
    : host_(host), content_type_(config.text("content_type")), max_value_(config.size("max_value")) {
    const auto add = [&](const char* option, const std::string& text) {
        auto target = http_post::Target::parse(text);
        if (!target || target->path.find_first_of("?#") != std::string::npos)
            throw plugin::Error(LARDER_E_CONFIG, std::string(option) + ": expected http://HOST[:PORT][/PREFIX] without a password, a query or a fragment");
        if (target->path.ends_with('/')) target->path.pop_back();
        target->verify = config.boolean("tls_verify");
        target->ca = config.text("tls_ca", "");
        targets_.push_back(std::move(*target));
    };
    add("url", std::string(config.text("url")));
    for (const std::string& text : config.list("allow")) add("allow", text);
    for (const std::string& line : config.list("headers")) {
        const auto colon = line.find(':');
        const std::string field = line.substr(0, colon);
        const auto begin = colon == std::string::npos ? colon : line.find_first_not_of(' ', colon + 1);
        if (!is_token(field) || begin == std::string::npos || !is_line(line))
            throw plugin::Error(LARDER_E_CONFIG, "headers: expected \"Name: value\", found \"" + line + "\"");
        headers_.emplace_back(field, line.substr(begin));
    }
    host.with_secret(config, "authorization", [&](std::string_view secret) {
        if (!is_line(secret)) throw plugin::Error(LARDER_E_CONFIG, "authorization: it has more than one line");
        headers_.emplace_back("Authorization", std::string(secret));
    });
}

void HttpSource::tell(std::string_view what, const http_post::Target& target, std::string_view path, std::string_view problem) {
    host_.log(LARDER_LOG_WARN, {what, " ", target.host, ":", target.port, path, ": ", problem});
}

const http_post::Target* HttpSource::target_of(std::string_view& text) const {
    if (text.starts_with('/')) return &targets_.front();
    // Up to the path only: what stands behind it is filled in, and never decides whom is asked.
    const std::size_t scheme = text.find("://");
    const std::size_t path = scheme == std::string_view::npos ? scheme : text.find_first_of("/?{", scheme + 3);
    const auto asked = scheme == std::string_view::npos ? std::nullopt : http_post::Target::parse(std::string(text.substr(0, path)));
    if (!asked || (path != std::string_view::npos && text[path] == '{')) return nullptr;
    std::string_view rest = path == std::string_view::npos ? std::string_view("/") : text.substr(path);
    for (const http_post::Target& one : targets_) {
        if (one.tls != asked->tls || one.host != asked->host || one.port != asked->port || !rest.starts_with(one.path)) continue;
        const std::string_view left = rest.substr(one.path.size());
        if (!left.empty() && left.front() != '/' && left.front() != '?') continue;
        text = left;
        return &one;
    }
    return nullptr;
}

http_post::Answer HttpSource::ask(std::string method, std::string_view text, std::span<const larder_pair> fields, std::string_view body,
                                  std::uint64_t deadline_ns, bool& possible) {
    std::string_view rest = text;
    const http_post::Target* const target = target_of(rest);
    const auto path = target != nullptr ? fill_path(rest, fields) : std::nullopt;
    possible = path.has_value();
    if (target == nullptr) {
        host_.log(LARDER_LOG_WARN, {method, " \"", text, "\" is not asked: it begins with neither `/`, `url` nor one of `allow`"});
        return {};
    }
    if (!possible) {
        tell(method, *target, " ", "no path can be made of \"" + std::string(text) + "\"; no segment of it may be `.` or `..`");
        return {};
    }
    http_post::Question question;
    question.method = std::move(method);
    question.path = target->path + (path->starts_with('/') ? "" : "/") + *path;
    if (target == &targets_.front()) question.headers = headers_;
    if (question.method == "PUT") question.headers.emplace_back("Content-Type", content_type_);
    question.body = body;
    question.most_body = max_value_;
    const std::uint64_t now = host_.mono_ns(), until = deadline_ns != 0 ? deadline_ns : now + 30'000'000'000;
    std::string problem;
    http_post::Answer answer;
    if (until > now) answer = http_post::ask(*target, question, std::chrono::milliseconds((until - now) / 1'000'000 + 1), problem);
    else problem = "there was no time left to ask";
    // The text, and not the path: what keys hold does not belong into logs.
    if (answer.status == 0) tell(question.method, *target, rest, problem);
    else if (answer.status >= 500) tell(question.method, *target, rest, "status " + std::to_string(answer.status));
    return answer;
}

larder_status HttpSource::fetch(const larder_warm_item& item, const larder_call& call, larder_cache_set& set, plugin::Reply out) {
    bool possible = false;
    http_post::Answer answer = ask("GET", text_of(item.hint), fields_of(item), {}, call.deadline_ns, possible);
    if (!possible) return LARDER_E_INVALID;
    if (answer.status == 0) return host_.mono_ns() >= call.deadline_ns && call.deadline_ns != 0 ? LARDER_E_TIMEOUT : LARDER_E_IO;
    if (answer.status == 404 || answer.status == 410) {
        set.flags |= LARDER_SET_ABSENT;
        return LARDER_OK;
    }
    if (answer.status != 200 && answer.status != 203) return refusal(answer.status);
    return out.owned(std::move(answer.body));
}

larder_status HttpSource::write(const larder_warm_item& source, std::span<larder_source_write> writes, const larder_call& call) {
    for (larder_source_write& write : writes) {
        const bool remove = write.remove != 0;
        const std::string_view text = write.hint.size != 0 ? text_of(write.hint) : text_of(source.hint);
        bool possible = false;
        const http_post::Answer answer =
            ask(remove ? "DELETE" : "PUT", text, {write.fields, write.fields == nullptr ? 0 : write.field_count}, remove ? std::string_view() : text_of(write.value),
                call.deadline_ns, possible);
        if (!possible) write.status = LARDER_E_INVALID;
        else if (answer.status == 0) write.status = answer.sent ? LARDER_E_TIMEOUT : LARDER_E_IO;
        else if (answer.status >= 200 && answer.status < 300) write.status = LARDER_OK;
        else if (remove && (answer.status == 404 || answer.status == 410)) write.status = LARDER_MISS;
        else if (answer.status == 502 || answer.status == 504) write.status = LARDER_E_TIMEOUT;  // what stands in between does not know
        else write.status = refusal(answer.status);
    }
    return LARDER_OK;
}

}  // namespace larder::warmer_http
