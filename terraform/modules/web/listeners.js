// A CloudFront Function (JavaScript runtime 2.0) at the viewer's request. A page of another origin asks first whether it may send
// its viewer's token (https://developer.mozilla.org/en-US/docs/Glossary/Preflight_request). The answer is the same for every page,
// because a token is no cookie: a page can send only a token that it has. So the API is not asked.
// The response headers policy of the behavior sets the same headers.
function handler(event) {
    const request = event.request;
    if (request.method !== "OPTIONS") return request;
    return {
        statusCode: 204,
        statusDescription: "No Content",
        headers: {
            "access-control-allow-origin": { value: "*" },
            "access-control-allow-methods": { value: "GET, HEAD" },
            "access-control-allow-headers": { value: "Authorization" },
            "access-control-max-age": { value: "86400" },
        },
    };
}
