"""The web application: the JSON API and the pages.

`web.application.create_app(services)` is all that an edition calls. Inside, `web.services.current()` gives the services
of the request's application. The package itself imports nothing: the authorizer of the AWS edition reads tokens only.
"""
