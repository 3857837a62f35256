# Every third-party library, found once. Each is linked PRIVATE by the one adapter that includes it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(CURL REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(GTest REQUIRED)
find_package(prometheus-cpp REQUIRED CONFIG)
find_package(tl-expected REQUIRED)
find_package(absl REQUIRED)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(libical REQUIRED IMPORTED_TARGET libical)
pkg_check_modules(libssh REQUIRED IMPORTED_TARGET libssh)
pkg_check_modules(libsystemd REQUIRED IMPORTED_TARGET libsystemd)

# Debian's civetweb library lacks TLS; scripts/deps.sh builds its source package into this folder.
set(MAILHUB_CIVETWEB /var/cache/mailhub/civetweb-1.15 CACHE PATH "civetweb built with OpenSSL 3, IPv6 and zlib")
add_library(civetweb STATIC IMPORTED)
set_target_properties(civetweb PROPERTIES
  IMPORTED_LOCATION ${MAILHUB_CIVETWEB}/lib/libcivetweb.a
  INTERFACE_INCLUDE_DIRECTORIES ${MAILHUB_CIVETWEB}/include)
target_link_libraries(civetweb INTERFACE OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB Threads::Threads ${CMAKE_DL_LIBS})
